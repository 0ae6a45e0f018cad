/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/control.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LINES_MAX 65536

static const struct {
	const char *word;
	enum control_word is;
} words[] = {
	{"mark", CONTROL_MARK}, {"spare", CONTROL_SPARE}, {"demand", CONTROL_DEMAND},
	{"pids", CONTROL_PIDS}, {"end", CONTROL_END},
};

static bool was_signalled(struct control *);
static void read_more(struct control *);

enum control_word control_parse(struct span line, struct span *rest)
{
	struct span word = line;

	*rest = SPAN_NONE;
	for (size_t i = 0; i < line.len; i++)
		if (line.p[i] == ' ') {
			word = span_of(line.p, i);
			*rest = span_from(line, i + 1);
			break;
		}
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (span_is(word, words[i].word))
			return words[i].is;
	return CONTROL_NONE;
}

void control_open(struct control *c, bool reads_input)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	c->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	c->input = reads_input ? STDIN_FILENO : -1;
	if (reads_input)
		fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
	buf_init(&c->lines, LINES_MAX);
}

void control_close(struct control *c)
{
	close(c->signals);
	buf_fini(&c->lines);
}

enum control_word control_next(struct control *c, char *text, size_t text_len)
{
	struct span rest, line;
	const uint8_t *end;

	if (was_signalled(c))
		return CONTROL_END;
	read_more(c);
	while ((end = c->lines.p ? memchr(c->lines.p, '\n', c->lines.len) : NULL)) {
		line = span_of(c->lines.p, (size_t)(end - c->lines.p));
		enum control_word word = control_parse(line, &rest);

		size_t len = rest.len < text_len ? rest.len : text_len - 1;
		if (rest.p)
			memcpy(text, rest.p, len);
		text[len] = '\0';
		buf_cut(&c->lines, line.len + 1);
		if (word != CONTROL_NONE)
			return word;
	}
	return CONTROL_NONE;
}

static bool was_signalled(struct control *c)
{
	struct signalfd_siginfo info;

	return read(c->signals, &info, sizeof info) == sizeof info;
}

static void read_more(struct control *c)
{
	uint8_t bytes[4096];
	ssize_t n = c->input >= 0 ? read(c->input, bytes, sizeof bytes) : -1;

	if (n == 0)
		c->input = -1;
	if (n > 0)
		buf_put(&c->lines, bytes, (size_t)n);
	if (c->lines.over)
		buf_clear(&c->lines);
}
