/* Private to alert.c and alert_check.c. */
#pragma once
#include "alert.h"
#include "alert_rules.h"
#include "jobs.h"

struct alerts {
	struct agent *g;
	struct json *status;
	struct json *held;       /* array: of each held run what it would have done */
	struct json *held_asked; /* the target that is asked about now */
	bool asking, ask_again;  /* a status job is on its way */
	bool checking;
	int64_t checked, pruned;
	int64_t disk_free;
	bool refused; /* the directory refused us: look why, soon */
	bool soon;    /* look as soon as may be */
};
/* What is found goes into the store, and is told. gone: NULL, or a domain that is no more. */
void alerts_evaluate(struct alerts *al, struct alert_input *in, const char *gone);

/* alert_check.c: when `lockstep check` is asked. A new configuration is in force: */
void alert_check_begin(struct alerts *al);
void alert_check_when_due(struct alerts *al);
void alert_checked_by_others(struct alerts *al, const struct job *j);
