/* The configuration in force, section by section, for forms. */
#pragma once
#include "conf/conf.h"

struct jsonw;
/*
 * [{section, path, name, options: [{path, name, type, help, values, default, set}],
 *   connector: [{path, name, values}], map: [{path, name, expression, default}]}]
 * path: as conf_edit takes it; section: "", "source", "target", "sync", "scope", "user", "group", "guard", ...
 * type: text, texts, yesno, duration, leave, limit, count, exact, time, days.
 */
void conf_describe(const struct conf *c, struct jsonw *w, const char *name);
