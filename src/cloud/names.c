#include <stdlib.h>
#include <string.h>
#include "cloud.h"

static int
by_text(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return str_cmp(x->text, y->text);
}

static struct str
folded(struct call *k, const char *s)
{
	CLEAN_BUF struct buf b = { 0 };

	utf8_fold(s, strlen(s), &b);
	return (struct str){ arena_strndup(k->a, buf_cstr(&b), b.n), b.n };
}

void
names_of(struct call *k, unsigned type, const struct scim_keys *keys, struct names *n_r)
{
	struct name *list = arena_alloc(k->a, (keys->n_addresses + 2) * sizeof(*list));
	size_t n = 0, out = 0;

	if (keys->name)
		list[n++] = (struct name){ folded(k, keys->name),
			type == SCIM_USER ? STORE_USER_NAME : STORE_GROUP_NAME };
	if (keys->external)
		list[n++] =
			(struct name){ str_c(arena_strdup(k->a, keys->external)), STORE_EXTERNAL };
	for (size_t i = 0; i < keys->n_addresses; i++)
		list[n++] = (struct name){ folded(k, keys->addresses[i].text),
			keys->addresses[i].key == SCIM_KEY_ALIAS ? STORE_ALIAS : STORE_EMAIL };
	qsort(list, n, sizeof(*list), by_text);
	for (size_t i = 0; i < n; i++) {
		if (out && str_eq(list[out - 1].text, list[i].text))
			list[out - 1].kinds |= list[i].kinds;
		else
			list[out++] = list[i];
	}
	*n_r = (struct names){ list, out };
}

/* With which rows of others a row of these kinds cannot stand: a name with the same type's names,
 * an alias with anybody's alias or address. Two may share an address that is nobody's alias. */
static unsigned
conflicting(unsigned kinds)
{
	unsigned c = kinds & (STORE_USER_NAME | STORE_GROUP_NAME);

	if (kinds & STORE_ALIAS)
		c |= STORE_ALIAS | STORE_EMAIL;
	if (kinds & STORE_EMAIL)
		c |= STORE_ALIAS;
	return c;
}

bool
names_check(struct call *k, const struct names *n, int64_t self, struct err *e)
{
	struct cloud *c = k->c;

	for (size_t i = 0; i < n->n; i++) {
		const struct name *one = &n->list[i];
		unsigned mask = conflicting(one->kinds);
		int64_t other = 0, by_name = 0;
		if (!mask)
			continue;
		if (!c->db->conflict(c->store, k->tenant, one->text, mask, self, &other, e))
			return false;
		if (!other)
			continue;
		mask &= STORE_USER_NAME | STORE_GROUP_NAME;
		if (mask &&
			!c->db->conflict(c->store, k->tenant, one->text, mask, self, &by_name, e))
			return false;
		return err_set(e, ERR_OBJECT, "uniqueness", "%s \"%.*s\" belongs to another %s",
			by_name ? (mask & STORE_USER_NAME ? "userName" : "displayName")
				: "the address",
			(int)(one->text.n < 300 ? one->text.n : 300), one->text.p,
			scim_types[store_type(by_name ? by_name : other)].name);
	}
	return true;
}

bool
names_store(struct call *k, int64_t rid, const struct names *was, const struct names *now,
	struct err *e)
{
	struct cloud *c = k->c;
	size_t i = 0, j = 0;

	while (i < was->n || j < now->n) {
		int order = i == was->n   ? 1
			    : j == now->n ? -1
					  : str_cmp(was->list[i].text, now->list[j].text);
		if (order < 0) {
			if (!c->db->name_del(c->store, rid, was->list[i++].text, e))
				return false;
			continue;
		}
		if ((order > 0 || was->list[i].kinds != now->list[j].kinds) &&
			!c->db->name_put(c->store, rid, now->list[j].text, now->list[j].kinds, e))
			return false;
		i += order == 0;
		j++;
	}
	return true;
}
