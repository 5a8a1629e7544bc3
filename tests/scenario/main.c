/* The scenario runner: TAP, a line for each scenario and pass. */
#include <dirent.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "passes.h"

struct options {
	const char *dir, *only;
	int shard, shards, most;
	bool quick, list;
	struct passes_env env;
};

static int
is_scenario(const struct dirent *de)
{
	size_t n = strlen(de->d_name);

	return n > 2 && strcmp(de->d_name + n - 2, ".t") == 0;
}

static int tests, failures;

static void
tell(bool ok, const char *scenario, const char *pass, const struct buf *why)
{
	tests++;
	failures += !ok;
	printf("%sok %d - %s: %s\n", ok ? "" : "not ", tests, scenario, pass);
	if (!ok)
		printf("# %s\n", buf_cstr(why));
	fflush(stdout);
}

static void
perform(const char *path, struct options *o)
{
	const struct pass passes[] = {
		{ .name = "as written" },
		{ .name = "full", .full = true },
		{ .name = "stops", .stops = true, .most = o->most },
		{ .name = "asks", .asks = true, .most = o->most },
		{ .name = "faults", .faults = true, .most = o->most },
		{ .name = "full, stops and faults",
			.full = true,
			.stops = true,
			.faults = true,
			.sparse = true,
			.most = (o->most + 1) / 2 },
		{ .name = "processes", .processes = true, .stops = true, .most = o->most ? 1 : 0 },
	};
	struct script *s;
	struct err e;

	if (!script_load(path, &s, &e)) {
		CLEAN_BUF struct buf why = { 0 };

		buf_adds(&why, e.text);
		tell(false, path, "read", &why);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(passes); i++) {
		CLEAN_BUF struct buf why = { 0 };
		struct pass pass = passes[i];
		bool ok;

		if ((pass.full && s->no_full) || (o->only && strcmp(o->only, pass.name) != 0) ||
			(o->quick && i > 1 && !s->quick) || (pass.processes && !o->env.programs))
			continue;
		pass.stops &= !s->no_stops;
		pass.faults &= !s->no_faults;
		pass.asks &= !s->no_stops;
		if (i > 1 && !pass.stops && !pass.asks && !pass.faults && !pass.processes)
			continue;
		ok = pass_perform(s, &pass, &o->env, &why);
		tell(ok, s->name, pass.name, &why);
		if (!ok)
			break; /* what follows would only say it again */
	}
	script_free(&s);
}

static void
perform_folder(struct options *o)
{
	struct dirent **list;
	int n = scandir(o->dir, &list, is_scenario, alphasort);

	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", o->dir, list[i]->d_name);
		if (i % o->shards == o->shard)
			perform(path, o);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

static void
usage(void)
{
	fputs("usage: run_scenarios [--quick] [--all] [--only PASS] [--shard I/N] [--programs DIR] "
	      "[--verbose]\n"
	      "                     [--dir DIR | FILE...]\n"
	      "passes: as written, full, stops, asks, faults, \"full, stops and faults\", "
	      "processes\n",
		stderr);
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = { { "quick", no_argument, NULL, 'q' },
		{ "all", no_argument, NULL, 'a' }, { "only", required_argument, NULL, 'o' },
		{ "shard", required_argument, NULL, 's' },
		{ "programs", required_argument, NULL, 'p' },
		{ "dir", required_argument, NULL, 'd' }, { "verbose", no_argument, NULL, 'v' },
		{ 0 } };
	struct options o = { .shards = 1, .most = 3 };
	int c;

	o.env.tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'q':
			o.quick = true;
			break;
		case 'a':
			o.most = 0;
			break;
		case 'o':
			o.only = optarg;
			break;
		case 's':
			if (sscanf(optarg, "%d/%d", &o.shard, &o.shards) != 2 || o.shards < 1)
				return usage(), 2;
			break;
		case 'p':
			o.env.programs = optarg;
			break;
		case 'd':
			o.dir = optarg;
			break;
		case 'v':
			o.env.verbose = true;
			break;
		default:
			return usage(), 2;
		}
	}
	if (!o.dir == (optind == argc))
		return usage(), 2;
	if (o.dir)
		perform_folder(&o);
	for (int i = optind; i < argc; i++)
		perform(argv[i], &o);
	printf("1..%d\n", tests);
	fprintf(stderr, "# %lld variants of runs\n", (long long)o.env.variants);
	return failures ? 1 : 0;
}
