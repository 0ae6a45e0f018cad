/* SPDX-License-Identifier: Apache-2.0 */
/* initdb and postgres as child processes; setpriv drops root and ties their life to ours. */
#include "tests/lib/cluster.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/mono.h"

#define START_NS (30 * NS_PER_S)
#define ARGS_MAX 32

struct cluster {
	char bin[256], dir[64], data[80], url[160];
	pid_t pid; /* 0: not running */
};

static bool find_bin(struct cluster *c);
static pid_t spawn(const struct cluster *c, const char *program, const char *const *args);
static void give_to_postgres(const char *path);

struct cluster *cluster_new(void)
{
	struct cluster *c = mem_new(sizeof *c);
	int status;

	if (!find_bin(c)) {
		mem_free(c);
		return NULL;
	}
	snprintf(c->dir, sizeof c->dir, "/tmp/moot-pg-XXXXXX");
	must(mkdtemp(c->dir));
	give_to_postgres(c->dir);
	snprintf(c->data, sizeof c->data, "%s/data", c->dir);
	snprintf(c->url, sizeof c->url, "host=%s user=postgres dbname=postgres", c->dir);
	const char *args[] = {"-D", c->data, "-U",   "postgres",   "-A", "trust",
			      "-N", "-E",    "UTF8", "--locale=C", NULL};
	pid_t pid = spawn(c, "initdb", args);
	must(waitpid(pid, &status, 0) == pid);
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	cluster_start(c);
	return c;
}

void cluster_free(struct cluster **cluster)
{
	struct cluster *c = *cluster;
	char command[128];

	if (!c)
		return;
	cluster_stop(c);
	snprintf(command, sizeof command, "rm -rf '%s'", c->dir);
	must(system(command) == 0);
	mem_free(c);
	*cluster = NULL;
}

const char *cluster_url(const struct cluster *c)
{
	return c->url;
}

void cluster_stop(struct cluster *c)
{
	if (!c->pid)
		return;
	cluster_thaw(c);
	kill(c->pid, SIGQUIT);
	must(waitpid(c->pid, NULL, 0) == c->pid);
	c->pid = 0;
}

void cluster_start(struct cluster *c)
{
	const char *args[] = {"-D",
			      c->data,
			      "-k",
			      c->dir,
			      "-h",
			      "",
			      "-F",
			      "-c",
			      "shared_buffers=16MB",
			      "-c",
			      "log_min_messages=panic",
			      NULL};
	int64_t deadline_ns = mono_now_ns() + START_NS;

	must(c->pid == 0);
	c->pid = spawn(c, "postgres", args);
	while (PQping(c->url) != PQPING_OK) {
		must(mono_now_ns() < deadline_ns);
		usleep(10000);
	}
}

void cluster_freeze(struct cluster *c)
{
	kill(c->pid, SIGSTOP);
}

void cluster_thaw(struct cluster *c)
{
	kill(c->pid, SIGCONT);
}

static bool find_bin(struct cluster *c)
{
	FILE *f = popen("pg_config --bindir", "r");

	if (!f)
		return false;
	bool got = fgets(c->bin, sizeof c->bin, f) != NULL;
	pclose(f);
	c->bin[strcspn(c->bin, "\n")] = '\0';
	return got && access(c->bin, X_OK) == 0;
}

bool cluster_migrate(const struct cluster *c)
{
	const char *root = getenv("MOOT_SOURCE_ROOT");
	char line[1024];

	if (!root)
		return false;
	snprintf(line, sizeof line,
		 "for f in '%s'/roomd/schema/*.sql; do psql -q -v ON_ERROR_STOP=1 -1 -d '%s' -f "
		 "\"$f\" >/dev/null || exit 1; done",
		 root, c->url);
	return system(line) == 0;
}

static pid_t spawn(const struct cluster *c, const char *program, const char *const *args)
{
	const char *argv[ARGS_MAX] = {"setpriv", "--pdeathsig", "QUIT"};
	char path[300];
	size_t count = 3;

	if (geteuid() == 0) {
		argv[count++] = "--reuid=postgres";
		argv[count++] = "--regid=postgres";
		argv[count++] = "--clear-groups";
	}
	snprintf(path, sizeof path, "%s/%s", c->bin, program);
	argv[count++] = path;
	while (*args && count < ARGS_MAX - 1)
		argv[count++] = *args++;
	argv[count] = NULL;
	pid_t pid = fork();
	must(pid >= 0);
	if (pid > 0)
		return pid;
	must(chdir("/") == 0 && freopen("/dev/null", "w", stdout) &&
	     freopen("/dev/null", "w", stderr));
	execvp("setpriv", (char *const *)argv);
	_exit(127);
}

static void give_to_postgres(const char *path)
{
	struct passwd *user = geteuid() == 0 ? getpwnam("postgres") : NULL;

	if (user)
		must(chown(path, user->pw_uid, user->pw_gid) == 0);
}
