/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file system: resctrl MOUNTPOINT [-f] [-o OPTION,…]. Options are the members of struct geometry,
 * "closids=4,mb=0", and those of FUSE. One thread, and nothing is kept by the kernel: what is read is how it is.
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse3/fuse.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/resctrl/resctrl.h"

#define PAGE 4096

struct geometry geometry = {.closids = 16,
                            .rmids = 32,
                            .domains = 2,
                            .apart = 1,
                            .l3 = 11,
                            .min_bits = 1,
                            .mb = 1,
                            .mon = 1};

/* clang-format off */
#define OPTION(name) {#name "=%u", offsetof(struct geometry, name), 0}
static const struct fuse_opt options[] = {
    OPTION(closids), OPTION(rmids), OPTION(domains), OPTION(apart), OPTION(l3), OPTION(l2), OPTION(min_bits), OPTION(mb),
    OPTION(mon), OPTION(old), OPTION(no_status), OPTION(unavailable), FUSE_OPT_END};
/* clang-format on */

static void *fs_init(struct fuse_conn_info *conn, struct fuse_config *config)
{
    (void)conn;
    config->direct_io = 1;
    config->use_ino = 0;
    config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
    return NULL;
}

static int fs_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
    struct node n;
    int r = node_find(path, &n);

    (void)fi;
    if (r < 0)
        return r;
    memset(st, 0, sizeof(*st));
    st->st_nlink = node_is_directory(&n) ? 2 : 1;
    st->st_mode = node_is_directory(&n) ? (mode_t)(S_IFDIR | 0755)
                                        : (mode_t)(S_IFREG | (node_writable(&n) ? 0644 : 0444));
    return 0;
}

struct filling {
    void *room;
    fuse_fill_dir_t fill;
};

static void fill(void *data, const char *name)
{
    struct filling *f = data;

    f->fill(f->room, name, NULL, 0, 0);
}

static int fs_readdir(const char *path, void *room, fuse_fill_dir_t filler, off_t offset,
                      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
    struct filling f = {room, filler};
    struct node n;
    int r = node_find(path, &n);

    (void)offset, (void)fi, (void)flags;
    if (r < 0)
        return r;
    fill(&f, ".");
    fill(&f, "..");
    node_list(&n, fill, &f);
    return 0;
}

static int fs_open(const char *path, struct fuse_file_info *fi)
{
    struct node n;

    (void)fi;
    return node_find(path, &n);
}

static int fs_read(const char *path, char *to, size_t size, off_t offset, struct fuse_file_info *fi)
{
    struct node n;
    char *text = NULL;
    size_t length = 0;
    FILE *out;
    int r = node_find(path, &n);

    (void)fi;
    if (r < 0)
        return r;
    if (!(out = open_memstream(&text, &length)))
        return -ENOMEM;
    node_show(&n, out);
    fclose(out);
    length = (size_t)offset < length ? length - (size_t)offset : 0;
    length = length < size ? length : size;
    memcpy(to, text + offset, length);
    free(text);
    return (int)length;
}

static int fs_write(const char *path, const char *from, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
    struct node n;
    char *text;
    int r = node_find(path, &n);

    (void)offset, (void)fi;
    if (r < 0)
        return r;
    size = size < PAGE ? size : PAGE; /* as kernfs: the rest is for the next write */
    if (!(text = strndup(from, size)))
        return -ENOMEM;
    r = n.kind == FILE_OF_GROUP ? group_write(n.group, n.name, text) : -EINVAL;
    free(text);
    return r < 0 ? r : (int)size;
}

/* As the kernel's: to be opened with O_TRUNC changes nothing. */
static int fs_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
    struct node n;

    (void)size, (void)fi;
    return node_find(path, &n);
}

static int fs_mkdir(const char *path, mode_t mode)
{
    const char *name = strrchr(path, '/') + 1;
    char *above = strndup(path, (size_t)(name - path) - (name - path > 1));
    struct node n;
    int r = above ? node_find(above, &n) : -ENOMEM;

    (void)mode;
    free(above);
    if (r < 0)
        return r;
    status_clear();
    if (n.kind == GROUP && n.group == &groups[0])
        return resources_there() ? group_make(NULL, name) : -EPERM;
    return n.kind == MON_GROUPS && strcmp(name, "mon_groups") != 0 ? group_make(n.group, name)
                                                                   : -EPERM;
}

static int fs_rmdir(const char *path)
{
    struct node n;
    int r = node_find(path, &n);

    if (r < 0)
        return r;
    if (n.kind != GROUP || n.group == &groups[0])
        return -EPERM;
    group_remove(n.group);
    return 0;
}

static const struct fuse_operations operations = {
    .init = fs_init,
    .getattr = fs_getattr,
    .readdir = fs_readdir,
    .open = fs_open,
    .read = fs_read,
    .write = fs_write,
    .truncate = fs_truncate,
    .mkdir = fs_mkdir,
    .rmdir = fs_rmdir,
};

int main(int argc, char **argv)
{
    struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
    int r;

    if (fuse_opt_parse(&args, &geometry, options, NULL) < 0)
        return 2;
    if (!geometry.domains || !geometry.apart || geometry.domains > DOMAINS_MAX ||
        geometry.closids > CLASSES_MAX || geometry.rmids > GROUPS_MAX || geometry.l3 > 31 ||
        geometry.l2 > 31) {
        fprintf(stderr, "resctrl: no machine is like that\n");
        return 2;
    }
    fuse_opt_add_arg(&args, "-s");
    groups_init();
    r = fuse_main(args.argc, args.argv, &operations, NULL);
    fuse_opt_free_args(&args);
    return r;
}
