/* SPDX-License-Identifier: MIT */
#pragma once

/* What holds a container back now: the contract's verdict table. Pure. The texts are in model.h. */

#include "model/model.h"

/* Sets c->verdict from the samples, limits and throttling of c: the first row that applies. */
void verdict_judge(struct container *c);
