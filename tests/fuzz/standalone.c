/* SPDX-License-Identifier: MIT */

/* Instead of libFuzzer, for compilers without it: runs every file of the given folders once. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static int fail(const char *what)
{
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        return -1;
}

/* The bytes lie in memory of exactly their size, so that a read past their end is seen. */
static int run_file(int dirfd, const char *name)
{
        struct stat st;
        int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return fail(name);
        if (!S_ISREG(st.st_mode)) {
                close(fd);
                return 0;
        }
        size_t size = (size_t)st.st_size;
        unsigned char *data = malloc(size ? size : 1);
        ssize_t n = data ? pread(fd, data, size, 0) : -1;
        close(fd);
        if (n != st.st_size) {
                free(data);
                return fail(name);
        }
        (void)LLVMFuzzerTestOneInput(data, size);
        free(data);
        return 1;
}

/* The number of files, or -1. */
static int run_folder(const char *folder)
{
        int count = 0;
        DIR *dir = opendir(folder);
        if (!dir)
                return fail(folder);
        for (struct dirent *d; count >= 0 && (d = readdir(dir));) {
                int n = run_file(dirfd(dir), d->d_name);
                count = n < 0 ? -1 : count + n;
        }
        closedir(dir);
        return count;
}

int main(int argc, char **argv)
{
        for (int i = 1; i < argc; i++) {
                int n = run_folder(argv[i]);
                if (n <= 0)
                        return EXIT_FAILURE; /* a corpus without a file proves nothing */
                printf("%s: %d files\n", argv[i], n);
        }
        return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
