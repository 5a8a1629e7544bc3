/* The sandbox's two locks, apart: each has its own library, tables and header of the kernel. */
#pragma once
#include "base/err.h"
#include "base/sandbox.h"

int landlock_lock(const struct sandbox *s, struct err *e); /* its version; 0: failed */
bool seccomp_lock(const struct sandbox *s, struct err *e);
