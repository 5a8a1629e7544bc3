/* What one line of the connector protocol costs: an entry of some 1,000 bytes. */
#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/json.h"

#define ROUNDS 50000

static void
figure(const char *name, int64_t ms)
{
	struct buf b CLEAN_BUF = { 0 };
	struct jsonw w = jsonw(&b);

	jsonw_obj(&w, NULL);
	jsonw_str(&w, "name", name);
	jsonw_num(&w, "value", (double)ms * 1000 / ROUNDS);
	jsonw_str(&w, "unit", "us");
	jsonw_end(&w);
	puts(buf_cstr(&b));
}

static void
make_entry(struct buf *out)
{
	struct jsonw w = jsonw(out);
	char name[32];

	jsonw_obj(&w, NULL);
	jsonw_str(&w, "entry", "0f8fad5b-d9cb-469f-a165-70867728950e");
	jsonw_obj(&w, "full");
	for (int i = 0; i < 18; i++) {
		snprintf(name, sizeof(name), "attributeName%d", i);
		jsonw_arr(&w, name);
		jsonw_str(&w, NULL, "CN=Anna M\xC3\xBCller,OU=People,DC=x");
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_end(&w);
}

int
main(void)
{
	struct buf text CLEAN_BUF = { 0 }, out CLEAN_BUF = { 0 };
	struct json *j CLEAN_JSON = NULL;
	struct err e = { 0 };
	int64_t from = clock_system.mono_ms(NULL);

	for (int i = 0; i < ROUNDS; i++) {
		buf_reset(&text);
		make_entry(&text);
	}
	figure("json write entry", clock_system.mono_ms(NULL) - from);
	from = clock_system.mono_ms(NULL);
	for (int i = 0; i < ROUNDS; i++) {
		json_free(j);
		if (!json_parse(buf_str(&text), 0, &j, &e))
			abort();
	}
	figure("json parse entry", clock_system.mono_ms(NULL) - from);
	from = clock_system.mono_ms(NULL);
	for (int i = 0; i < ROUNDS; i++) {
		buf_reset(&out);
		json_print(j, &out);
	}
	figure("json print entry", clock_system.mono_ms(NULL) - from);
	return 0;
}
