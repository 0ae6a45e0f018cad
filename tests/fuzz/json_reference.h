/* SPDX-License-Identifier: Apache-2.0 */
/* A second opinion on JSON text (jansson), in a file of its own: its names are like ours. */
#pragma once

#include "common/base.h"

enum reference_verdict {
	REFERENCE_GOOD,
	REFERENCE_BAD,
	REFERENCE_UNABLE, /* valid, but beyond what the reference can hold */
};

enum reference_verdict reference_load(const void *text, size_t len, void **value);
void reference_free(void *value);
char reference_kind(const void *value); /* one of {["0tfn */
size_t reference_size(const void *object);
void *reference_member(const void *object, const void *name, size_t len); /* borrowed; NULL: none */
const void *reference_text(const void *string, size_t *len);
