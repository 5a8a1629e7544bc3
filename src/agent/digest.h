/* The daily summary. */
#pragma once
#include "agent.h"

/* Sends it once a day, from the time `daily` of the configuration on; asked each minute. */
void digest_when_due(struct agent *g);
