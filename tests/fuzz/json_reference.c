/* SPDX-License-Identifier: Apache-2.0 */
/* jansson, asked as loosely as it can be: what is stricter than RFC 8259 is said to be beyond it.
 */
#include "tests/fuzz/json_reference.h"

#include <jansson.h>
#include <string.h>

/* Where it is narrower than RFC 8259: numbers beyond a double, escapes that are half a surrogate
 * pair, and names that hold a NUL. */
static bool is_unable(const json_error_t *error)
{
	enum json_error_code code = json_error_code(error);

	return code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
	       strstr(error->text, "invalid Unicode '\\u") != NULL;
}

enum reference_verdict reference_load(const void *text, size_t len, void **value)
{
	json_error_t error;

	*value = json_loadb(text, len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL,
			    &error);
	if (*value)
		return REFERENCE_GOOD;
	return is_unable(&error) ? REFERENCE_UNABLE : REFERENCE_BAD;
}

void reference_free(void *value)
{
	json_decref(value);
}

char reference_kind(const void *value)
{
	static const char kinds[] = {
		[JSON_OBJECT] = '{', [JSON_ARRAY] = '[', [JSON_STRING] = '"', [JSON_INTEGER] = '0',
		[JSON_REAL] = '0',   [JSON_TRUE] = 't',  [JSON_FALSE] = 'f',  [JSON_NULL] = 'n'};

	return kinds[json_typeof((const json_t *)value)];
}

size_t reference_size(const void *object)
{
	return json_object_size(object);
}

void *reference_member(const void *object, const void *name, size_t len)
{
	return json_object_getn(object, len ? name : "", len);
}

const void *reference_text(const void *string, size_t *len)
{
	*len = json_string_length(string);
	return json_string_value(string);
}
