/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/screen.h"

#include <stdio.h>
#include <unistd.h>

#define LINES 4
#define EACH 5 /* samples to a line, without a terminal */
#define UP                                                                                         \
	"\033["                                                                                    \
	"4"                                                                                        \
	"A\033[J"

static void screen_clear(struct screen *);
static void put_lines(struct buf *, const struct result *, const char *phase,
		      const struct sample *);
static void put_line(struct buf *, const struct result *, const char *phase, const struct sample *);
static double ms(int64_t ns);
static double rate(uint64_t count, const struct sample *);

void screen_open(struct screen *s)
{
	*s = (struct screen){.is_terminal = isatty(STDERR_FILENO)};
}

void screen_draw(struct screen *s, const struct result *r, const char *phase,
		 const struct sample *sample)
{
	struct buf out;

	if (s->samples++ % EACH && !s->is_terminal)
		return;
	buf_init(&out, 4096);
	screen_clear(s);
	if (s->is_terminal)
		put_lines(&out, r, phase, sample);
	else
		put_line(&out, r, phase, sample);
	s->is_drawn = s->is_terminal;
	fwrite(out.p, 1, out.len, stderr);
	buf_fini(&out);
}

void screen_say(struct screen *s, const char *text)
{
	screen_clear(s);
	fprintf(stderr, "%s\n", text);
}

void screen_close(struct screen *s)
{
	screen_clear(s);
}

static void screen_clear(struct screen *s)
{
	if (s->is_drawn)
		fputs(UP, stderr);
	s->is_drawn = false;
}

static void put_lines(struct buf *out, const struct result *r, const char *phase,
		      const struct sample *s)
{
	buf_printf(out, "%-8s %5.0f s   %llu of %zu in   lost %llu   flaws %llu\n", phase,
		   (double)(s->at_ns + s->long_ns) / NS_PER_S, (unsigned long long)s->connections,
		   r->people, (unsigned long long)r->tally->counts[COUNTER_LOST],
		   (unsigned long long)account_flaws(r->account));
	buf_printf(out, "said/s   casts %.0f   publishes %.0f      delivered/s %.0f\n",
		   rate(s->counts[COUNTER_CASTS], s), rate(s->counts[COUNTER_PUBLISHES], s),
		   rate(s->counts[COUNTER_HEARD] + s->counts[COUNTER_SEEN], s));
	buf_printf(out,
		   "ms       cast p50 %.2f p99 %.2f   event p50 %.2f p99 %.2f   ack p99 %.2f\n",
		   ms(s->p50_ns[MEASURE_CAST]), ms(s->p99_ns[MEASURE_CAST]),
		   ms(s->p50_ns[MEASURE_EVENT]), ms(s->p99_ns[MEASURE_EVENT]),
		   ms(s->p99_ns[MEASURE_ACK]));
	buf_printf(out, "cores    servers %.2f   moot-bench %.2f      servers' memory %.1f MiB\n",
		   (double)s->servers_cpu_ns / (double)s->long_ns,
		   (double)s->own_cpu_ns / (double)s->long_ns,
		   (double)s->servers_bytes / (1 << 20));
}

static void put_line(struct buf *out, const struct result *r, const char *phase,
		     const struct sample *s)
{
	buf_printf(out,
		   "%-8s %4.0f s: %llu of %zu in, %.0f delivered/s, cast p99 %.1f ms, event p99 "
		   "%.1f ms, servers %.2f cores, flaws %llu\n",
		   phase, (double)(s->at_ns + s->long_ns) / NS_PER_S,
		   (unsigned long long)s->connections, r->people,
		   rate(s->counts[COUNTER_HEARD] + s->counts[COUNTER_SEEN], s),
		   ms(s->p99_ns[MEASURE_CAST]), ms(s->p99_ns[MEASURE_EVENT]),
		   (double)s->servers_cpu_ns / (double)s->long_ns,
		   (unsigned long long)account_flaws(r->account));
}

static double ms(int64_t ns)
{
	return (double)ns / NS_PER_MS;
}

static double rate(uint64_t count, const struct sample *s)
{
	return (double)count * NS_PER_S / (double)s->long_ns;
}
