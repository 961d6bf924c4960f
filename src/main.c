/* SPDX-License-Identifier: MIT */

/* Arguments -> dashboard, --once, --batch, a verb. */

#include <locale.h>
#include <stdio.h>
#include <unistd.h>

#include "app/options.h"
#include "app/print.h"
#include "app/who.h"
#include "report/report.h"

static int print_text(void (*make)(struct str *))
{
        _cleanup_str_ struct str out = STR_INIT;
        make(&out);
        fputs(str_get(&out), stdout);
        return EXIT_DONE;
}

static int dashboard(void)
{
        fputs("ctop-c: the dashboard is not there yet: use ctop-c --once (or --batch)\n", stderr);
        return EXIT_USAGE;
}

int main(int argc, char **argv)
{
        struct options o;
        _cleanup_free_ char *error = NULL;
        setlocale(LC_CTYPE, "");
        if (options_parse(argc, argv, &o, &error) < 0) {
                _cleanup_free_ char *clean = str_clean_z(error);
                fprintf(stderr, "ctop-c: %s\n", clean);
                return EXIT_USAGE;
        }
        if (o.mode == MODE_VERSION)
                return printf("ctop-c %s\n", CTOP_VERSION) < 0 ? EXIT_FAILED : EXIT_DONE;
        if (o.mode == MODE_HELP)
                return print_text(options_help);
        if (o.columns && streq(o.columns, "help"))
                return print_text(report_columns_help);
        if (o.mode == MODE_ONCE || o.mode == MODE_BATCH)
                return print_run(&o);
        if (o.mode == MODE_WHO)
                return who_run(&o);
        return dashboard();
}
