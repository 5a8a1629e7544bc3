/* Random directories, and what happens in them. */
#include <stdio.h>
#include "property.h"

/* SplitMix64. */
uint64_t
roll(struct test *t, uint64_t below)
{
	uint64_t z = (t->random += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (z ^ (z >> 31)) % below;
}

bool
row(struct test *t, const char *fmt, ...)
{
	char text[256];
	struct err e;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_addf(&t->rows, "#    %s\n", text);
	return change_row(t->play.world, text, &e) || play_fail(&t->play, "%s: %s", text, e.text);
}

bool
is_there(struct test *t, const char *handle)
{
	struct w_entry *en = dir_find(t->play.world, handle);

	return en && !en->gone;
}

const char *
any_of(struct test *t, const char *prefix, int count, char *out, size_t size)
{
	snprintf(out, size, "%s%d", prefix, 1 + (int)roll(t, (uint64_t)count));
	return out;
}

/* An ou, or the root. */
static const char *
any_place(struct test *t, char *out, size_t size)
{
	if (roll(t, 4) == 0)
		return snprintf(out, size, "root"), out;
	return any_of(t, "o", t->ous, out, size);
}

bool
make_directory(struct test *t)
{
	static const char *const departments[] = { "Sales", "Out", "Board", "-" };
	char a[32], b[32];
	bool ok = true;

	t->ous = 3;
	t->users = 5 + (int)roll(t, 6);
	t->groups = 2 + (int)roll(t, 3);
	ok &= row(t, "ou o1") && row(t, "ou o2 in=o1") && row(t, "ou o3");
	for (int i = 1; i <= t->users; i++)
		ok &= row(t, "user u%d in=%s department=%s", i, any_place(t, a, sizeof(a)),
			departments[roll(t, 4)]);
	for (int i = 1; i <= t->groups; i++)
		ok &= row(t, "group g%d", i);
	for (int i = 0; i < 3 * t->groups; i++)
		ok &= row(t, "member %s +%s", any_of(t, "g", t->groups, a, sizeof(a)),
			roll(t, 4) ? any_of(t, "u", t->users, b, sizeof(b))
				   : any_of(t, "g", t->groups, b, sizeof(b)));
	for (int i = 0; i < t->users / 2; i++)
		ok &= row(t, "manager %s %s", any_of(t, "u", t->users, a, sizeof(a)),
			any_of(t, "u", t->users, b, sizeof(b)));
	return ok;
}

static bool
is_above(const struct w_entry *en, const struct w_entry *below)
{
	for (; below; below = below->parent)
		if (below == en)
			return true;
	return false;
}

static bool
move_ou(struct test *t)
{
	char a[32], b[32];
	struct w_entry *en = dir_find(t->play.world, any_of(t, "o", t->ous, a, sizeof(a)));
	struct w_entry *to = dir_find(t->play.world, any_place(t, b, sizeof(b)));

	return is_above(en, to) || row(t, "move %s %s", a, b);
}

static bool
change_user(struct test *t, const char *u)
{
	static const char *const departments[] = { "Sales", "Out", "Board", "-" };
	char b[32];

	if (!is_there(t, u))
		return roll(t, 2) ? row(t, "restore %s", u) : true;
	switch (roll(t, 12)) {
	case 0:
		return row(t, "delete %s", u);
	case 1:
		return row(t, "disable %s", u);
	case 2:
		return row(t, "enable %s", u);
	case 3:
		return row(t, "expire %s +%dh", u, 1 + (int)roll(t, 12));
	case 4:
		return row(t, "expire %s never", u);
	case 5:
		return row(t, "move %s %s", u, any_place(t, b, sizeof(b)));
	case 6:
		return row(t, "rename %s \"name %d\"", u, t->next++);
	case 7:
		return row(t, "set %s mail=m%d@x.example", u, t->next++);
	case 8:
		any_of(t, "u", t->users, b, sizeof(b));
		return !is_there(t, b) || row(t, "manager %s %s", u, b);
	case 9:
		return row(t, "manager %s -", u);
	case 10:
		return row(t, "set %s title=%s", u, roll(t, 3) ? "Chief" : "-");
	default:
		return row(t, "set %s department=%s", u, departments[roll(t, 4)]);
	}
}

static bool
change_group(struct test *t, const char *g)
{
	char b[32];

	if (!is_there(t, g))
		return roll(t, 2) ? row(t, "restore %s", g) : true;
	if (roll(t, 10) == 0)
		return row(t, "delete %s", g);
	if (roll(t, 10) == 0)
		return row(t, "rename %s \"group %d\"", g, t->next++);
	if (roll(t, 4))
		any_of(t, "u", t->users, b, sizeof(b));
	else
		any_of(t, "g", t->groups, b, sizeof(b));
	return !is_there(t, b) || row(t, "member %s %c%s", g, roll(t, 2) ? '+' : '-', b);
}

bool
change_some(struct test *t)
{
	int count = 1 + (int)roll(t, 8);
	char a[32];

	for (int i = 0; i < count; i++) {
		uint64_t what = roll(t, 12);
		bool ok;

		if (what == 0)
			ok = move_ou(t);
		else if (what == 1)
			ok = row(t, "rename o%d n%d", 1 + (int)roll(t, 3), t->next++);
		else if (what == 2)
			ok = row(t, "user u%d in=%s", ++t->users, any_place(t, a, sizeof(a)));
		else if (what < 8)
			ok = change_user(t, any_of(t, "u", t->users, a, sizeof(a)));
		else
			ok = change_group(t, any_of(t, "g", t->groups, a, sizeof(a)));
		if (!ok)
			return false;
	}
	return true;
}
