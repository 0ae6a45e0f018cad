/* SPDX-License-Identifier: Apache-2.0 */
/* A build tool: prints the steps of the schema, given as files in order, as the table of migrate.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int put_file(const char *path);

int main(int argc, char **argv)
{
	puts("#include \"deploy/ctl/migrate.h\"\n\nconst struct schema_step schema_steps[] = {");
	for (int i = 1; i < argc; i++)
		if (put_file(argv[i]))
			return EXIT_FAILURE;
	printf("};\nconst size_t schema_step_count = %d;\n", argc - 1);
	return EXIT_SUCCESS;
}

/* As numbers: a literal may not be as long as a step is. */
static int put_file(const char *path)
{
	const char *slash = strrchr(path, '/');
	FILE *f = fopen(path, "rb");
	int c, column = 0;

	if (!f) {
		perror(path);
		return 1;
	}
	printf("\t{\"%s\", (const char[]){", slash ? slash + 1 : path);
	while ((c = fgetc(f)) != EOF)
		printf("%s%d,", column++ % 24 ? "" : "\n\t\t", c > 127 ? c - 256 : c);
	puts("0}},");
	return ferror(f) | fclose(f);
}
