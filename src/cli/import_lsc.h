/* Private to the importer of lsc.xml: a task on its way into a sync. */
#pragma once
#include "import.h"

struct lsc_task {
	const xmlNode *root, *node, *source, *target; /* target: NULL = not an LDAP directory */
	enum kind_id kind;
	struct draft *sync, *scope, *of_kind, *map;
	const char *policy; /* the default */
};

/* The service that a task reads from, NULL = no LDAP directory; the connection that a service names, and its element. */
const xmlNode *lsc_source_service(const xmlNode *task);
const char *lsc_connection_name(struct import *im, const xmlNode *service);
const xmlNode *lsc_connection_find(const xmlNode *root, const char *name);

void lsc_task_take(struct import *im, const xmlNode *n, void *root);

/* import_lsc_map.c: propertiesBasedSyncOptions, with its datasets. */
void lsc_options_take(struct import *im, const xmlNode *n, void *task);
/* Attributes that LSC copies without a dataset; and those that it leaves alone. */
void lsc_map_end(struct import *im, struct lsc_task *t);
/* The text without its script's prefix and final semicolon: "js:true;" is "true". */
const char *lsc_script(struct import *im, const char *text);
