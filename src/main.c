/* SPDX-License-Identifier: MIT */

/* Arguments -> dashboard, --once, --batch, a verb. */

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/options.h"
#include "app/print.h"
#include "app/who.h"
#include "report/report.h"

/*
 * Started without stdin, stdout or stderr: their numbers must not go to files of ours. What is put
 * there cannot be read or written, so that it fails as if there were nothing.
 */
static void fill_stdio(void)
{
        static const int wrong_way[] = {O_WRONLY, O_RDONLY, O_RDONLY};
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", wrong_way[fd]) < 0)
                        _exit(EXIT_FAILED);
}

static int printed(void)
{
        if (fflush(stdout) == 0)
                return EXIT_DONE;
        fprintf(stderr, "ctop-c: cannot write: %s\n", strerror(errno));
        return EXIT_FAILED;
}

static int print_text(void (*make)(struct str *))
{
        _cleanup_str_ struct str out = STR_INIT;
        make(&out);
        fputs(str_get(&out), stdout);
        return printed();
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
        fill_stdio();
        (void)signal(SIGPIPE, SIG_IGN); /* a reader that goes is an error like others, told once */
        setlocale(LC_CTYPE, "");
        if (options_parse(argc, argv, &o, &error) < 0) {
                _cleanup_free_ char *clean = str_clean_z(error);
                fprintf(stderr, "ctop-c: %s\n", clean);
                return EXIT_USAGE;
        }
        if (o.mode == MODE_VERSION) {
                printf("ctop-c %s\n", CTOP_VERSION);
                return printed();
        }
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
