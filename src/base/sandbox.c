/* Landlock: which files can be read. Debian 12 has neither a library for it nor a header that knows it all. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/mem.h"
#include "sandbox_p.h"

/* --- linux/landlock.h, up to version 6 --- */

#define CREATE_VERSION  1u
#define RULE_PATH       1
#define FS_READ_FILE    (1ull << 2)
#define FS_READ_DIR     (1ull << 3)
#define NET_BIND_TCP    (1ull << 0)
#define SCOPE_ABSTRACT  (1ull << 0) /* no abstract Unix sockets of others */
#define SCOPE_SIGNAL    (1ull << 1)
#define FS_FIRST        ((1ull << 13) - 1) /* execute ... make symbolic links */
#define FS_REFER        (1ull << 13)
#define FS_TRUNCATE     (1ull << 14)
#define FS_IOCTL_DEVICE (1ull << 15)

struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

/* What a version knows; the kernel refuses what it does not know. */
static struct ruleset
ruleset_of(int version, size_t *size_r)
{
	struct ruleset r = { .fs = FS_FIRST };

	*size_r = sizeof(r.fs);
	if (version >= 2)
		r.fs |= FS_REFER;
	if (version >= 3)
		r.fs |= FS_TRUNCATE;
	if (version >= 4) {
		r.net = NET_BIND_TCP;
		*size_r += sizeof(r.net);
	}
	if (version >= 5)
		r.fs |= FS_IOCTL_DEVICE;
	if (version >= 6) {
		r.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
		*size_r += sizeof(r.scoped);
	}
	return r;
}

/* --- what everybody reads --- */

/* Of /etc no more than is named here: administrators keep secrets there. */
static const struct system_path {
	const char *path;
	bool network_alone;
} system_paths[] = {
	{ "/usr", false },
	{ "/lib", false },
	{ "/lib64", false },
	{ "/etc/ld.so.cache", false },
	{ "/etc/ld.so.preload", false },
	{ "/etc/localtime", false },
	{ "/dev/null", false },
	{ "/dev/random", false },
	{ "/dev/urandom", false },
	{ "/proc/self", false },
	{ "/proc/sys", false },
	{ "/sys/devices/system/cpu", false },
	/* names: the resolver, NSS */
	{ "/etc/resolv.conf", true },
	{ "/run/systemd/resolve", true },
	{ "/run/resolvconf", true },
	{ "/run/NetworkManager", true },
	{ "/run/nscd", true },
	{ "/var/cache/nscd", true },
	{ "/var/lib/sss/mc", true },
	{ "/etc/hosts", true },
	{ "/etc/host.conf", true },
	{ "/etc/gai.conf", true },
	{ "/etc/nsswitch.conf", true },
	{ "/etc/services", true },
	{ "/etc/protocols", true },
	{ "/etc/networks", true },
	{ "/etc/passwd", true },
	{ "/etc/group", true },
	{ "/etc/mdns.allow", true },
	/* TLS, SASL, Kerberos. /etc/ssl/private is root's, and ours is not root. */
	{ "/etc/ssl", true },
	{ "/etc/pki", true },
	{ "/etc/crypto-policies", true },
	{ "/etc/gnutls", true },
	{ "/etc/pkcs11", true },
	{ "/etc/gss", true },
	{ "/etc/sasl2", true },
	{ "/etc/krb5.conf", true },
	{ "/etc/krb5.conf.d", true },
	{ "/var/lib/sss/pubconf", true },
};

/* One that is not there, or that we could not read anyway, is passed over. */
static void
path_allow(int rules, const char *path)
{
	int fd CLEAN_FD = open(path, O_PATH | O_CLOEXEC);
	struct path_rule rule = { .allowed = FS_READ_FILE, .parent_fd = fd };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return;
	if (S_ISDIR(st.st_mode))
		rule.allowed |= FS_READ_DIR;
	(void)syscall(SYS_landlock_add_rule, rules, RULE_PATH, &rule, 0);
}

int
landlock_lock(const struct sandbox *s, struct err *e)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
	size_t size;
	struct ruleset r = ruleset_of((int)version, &size);

	if (version < 1) {
		err_errno(e, ERR_CONFIG, "Landlock");
		return 0;
	}
	int fd CLEAN_FD = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd < 0) {
		err_errno(e, ERR_CONFIG, "Landlock");
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(system_paths); i++)
		if (s->network || !system_paths[i].network_alone)
			path_allow(fd, system_paths[i].path);
	for (const char *const *p = s->paths; p && *p; p++)
		path_allow(fd, *p);
	if (syscall(SYS_landlock_restrict_self, fd, 0) != 0) {
		err_errno(e, ERR_CONFIG, "Landlock");
		return 0;
	}
	return (int)version;
}

void
sandbox_enter(const struct sandbox *s, struct sandbox_state *r)
{
	struct err files = { 0 }, calls = { 0 };

	*r = (struct sandbox_state){ .seccomp = false };
	/* without it neither lock can be closed, and both say so */
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	r->landlock = landlock_lock(s, &files);
	r->seccomp = seccomp_lock(s, &calls);
	(void)snprintf(r->missing, sizeof(r->missing), "%.90s%s%.90s", files.text,
		*files.text && *calls.text ? "; " : "", calls.text);
}
