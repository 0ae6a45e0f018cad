/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench.h"

#include <errno.h>
#include <string.h>

#include "bench/activity.h"
#include "bench/control.h"
#include "bench/cost.h"
#include "bench/report.h"
#include "bench/screen.h"
#include "bench/search.h"
#include "common/mem.h"
#include "common/mono.h"

#define SAMPLE_NS NS_PER_S
#define LOOK_NS (50 * NS_PER_MS) /* how often it looks for words and whether it is settled */
#define AT_ONCE 128              /* connections that are on their way, without a rate */
#define CONNECT_NS (60 * NS_PER_S)
#define WELCOME_NS (700 * NS_PER_MS) /* after the last one came, what he is told has arrived */
#define LAST_NS NS_PER_S             /* after all is there, what is too much has arrived */
#define END_NS (3 * NS_PER_S)        /* to leave */
#define BETWEEN_NS (5 * NS_PER_S)    /* steps of a search */
#define LATE_NS (50 * NS_PER_MS)     /* p99: then it is moot-bench that is slow */
#define REPORT_MAX (8u << 20)

struct bench {
	const struct bench_plan *plan;
	struct crowd *crowd;
	struct activities activities;
	bool is_loading, is_ending;
	struct control control;
	struct screen screen;
	struct cost_meter cost;
	struct tally now, step, whole; /* this second; this step of a search; all but the warm-up */
	struct course course;
	struct result result;
	struct stretch *stretch; /* which the present phase is; NULL: none */
	const char *phase;
	int64_t began_ns, sampled_ns, looked_ns, own_cpu_ns;
};

static struct bench *bench_new(const struct bench_plan *);
static void bench_free(struct bench **);
static bool bench_connect(struct bench *);
static void bench_load(struct bench *);
static void bench_search(struct bench *);
static bool search_try(struct bench *, double factor);
static void bench_settle(struct bench *);
static bool bench_report(struct bench *);
static void html_write(struct bench *);
static void phase_begin(struct bench *, const char *name, struct stretch *);
static void load_begin(struct bench *, double factor);
static void stay(struct bench *, int64_t for_ns);
static bool stay_until_settled(struct bench *, int64_t for_ns);
static void turn(struct bench *, int64_t until_ns);
static void look(struct bench *, int64_t now_ns);
static void take_sample(struct bench *, int64_t now_ns);
static void mark(struct bench *, const char *text);
static void say_json(struct bench *, struct buf *);

bool bench_run(const struct bench_plan *plan)
{
	struct bench *b = bench_new(plan);
	const struct scenario *s = plan->scenario;
	bool is_good;

	if (bench_connect(b)) {
		phase_begin(b, "quiet", &b->result.quiet);
		stay(b, s->time_quiet_ns);
		if (s->search_on)
			bench_search(b);
		else
			bench_load(b);
		bench_settle(b);
	}
	is_good = bench_report(b);
	for (int64_t until_ns = mono_now_ns() + END_NS;
	     !crowd_end(b->crowd) && mono_now_ns() < until_ns;)
		crowd_turn(b->crowd, LOOK_NS);
	bench_free(&b);
	return is_good;
}

static struct bench *bench_new(const struct bench_plan *plan)
{
	struct bench *b = mem_new(sizeof *b);
	struct crowd_plan crowd = {.scenario = plan->scenario,
				   .to = plan->to,
				   .from = plan->from,
				   .first = plan->first,
				   .foreign = plan->foreign,
				   .tally = &b->now};

	b->plan = plan;
	b->phase = "start";
	b->began_ns = b->sampled_ns = mono_now_ns();
	b->own_cpu_ns = cost_own_cpu_ns();
	b->crowd = crowd_new(&crowd, b->began_ns);
	control_open(&b->control, plan->reads_input);
	screen_open(&b->screen);
	must(cost_watch(&b->cost, plan->pids)); /* main has tried it */
	b->result = (struct result){.name = plan->name,
				    .label = plan->label,
				    .scenario = plan->scenario,
				    .tally = &b->whole,
				    .course = &b->course,
				    .account = b->crowd->account,
				    .refusals = b->crowd->refusals,
				    .people = b->crowd->count,
				    .rooms = b->crowd->rooms,
				    .has_servers = b->cost.count > 0};
	b->result.empty_bytes = cost_read(&b->cost).memory_bytes;
	return b;
}

static void bench_free(struct bench **taken)
{
	struct bench *b = *taken;

	screen_close(&b->screen);
	control_close(&b->control);
	crowd_free(&b->crowd);
	mem_free(b);
	*taken = NULL;
}

/* False: not everybody got in. */
static bool bench_connect(struct bench *b)
{
	struct crowd *crowd = b->crowd;
	double rate = (double)b->plan->scenario->time_connect_rate;
	int64_t limit_ns = CONNECT_NS, due_ns;
	struct schedule schedule;

	phase_begin(b, "connect", &b->result.connect);
	schedule_begin(&schedule, rate, 0, mono_now_ns());
	if (rate > 0)
		limit_ns += (int64_t)((double)crowd->count / rate * (double)NS_PER_S);
	for (int64_t until_ns = mono_now_ns() + limit_ns;
	     crowd->in + crowd->gone < crowd->count && mono_now_ns() < until_ns && !b->is_ending;) {
		int64_t now_ns = crowd->now_ns = mono_now_ns();

		while (rate > 0 && schedule_take(&schedule, now_ns, &due_ns))
			crowd_come(crowd, due_ns);
		for (size_t i = crowd->connecting; rate <= 0 && i < AT_ONCE; i++)
			crowd_come(crowd, now_ns);
		turn(b, rate > 0 ? schedule_next_ns(&schedule) : now_ns + LOOK_NS);
	}
	b->result.gone = crowd->count - crowd->in;
	b->result.gone_code = crowd->gone_code;
	stay(b, WELCOME_NS);
	take_sample(b, mono_now_ns());
	b->result.full_bytes = cost_read(&b->cost).memory_bytes;
	return !b->result.gone;
}

static void bench_load(struct bench *b)
{
	const struct scenario *s = b->plan->scenario;
	struct tally *whole = &b->whole;
	struct histogram *ready = mem_copy(&whole->of[MEASURE_READY], sizeof *ready);

	phase_begin(b, "warm_up", NULL);
	load_begin(b, 1);
	stay(b, s->time_warm_up_ns);
	phase_begin(b, "load", &b->result.load);
	memset(whole, 0, sizeof *whole); /* of before, only how they came counts */
	whole->of[MEASURE_READY] = *ready;
	mem_free(ready);
	stay(b, s->time_load_ns);
}

static void bench_search(struct bench *b)
{
	const struct scenario *s = b->plan->scenario;
	double base = (double)(s->say_cast ? s->say_cast : s->say_comment);
	struct search search;
	bool goes_on = true;

	search_begin(&search, base, (double)s->search_growth / 100, (double)s->search_close / 100);
	while (goes_on && !b->is_ending) {
		double rate = search.rate;
		bool went_well = search_try(b, rate / base);
		struct buf line;

		if (went_well && rate >= search.good) {
			b->result.found_rate = rate;
			b->result.found_delivered = (double)b->result.load.delivered * NS_PER_S /
						    (double)b->result.load.long_ns;
		}
		buf_init(&line, 256);
		buf_printf(&line, "%.0f said a second: %s, cast p99 %.1f ms, event p99 %.1f ms%c",
			   rate, went_well ? "good" : "too many",
			   (double)histogram_at(&b->step.of[MEASURE_CAST], 0.99) / NS_PER_MS,
			   (double)histogram_at(&b->step.of[MEASURE_EVENT], 0.99) / NS_PER_MS, 0);
		screen_say(&b->screen, (const char *)line.p);
		buf_fini(&line);
		goes_on = search_step(&search, went_well);
	}
}

static bool search_try(struct bench *b, double factor)
{
	const struct scenario *s = b->plan->scenario;
	struct tally *step = &b->step;
	uint64_t flaws = account_flaws(b->crowd->account);

	b->result.load = (struct stretch){.long_ns = 0};
	b->result.busy_seconds = 0;
	phase_begin(b, "search", &b->result.load);
	memset(step, 0, sizeof *step);
	load_begin(b, factor);
	stay(b, s->search_step_ns);
	b->is_loading = false;
	take_sample(b, mono_now_ns());
	bool is_ours =
		histogram_at(&step->of[MEASURE_LATE], 0.99) > LATE_NS ||
		(double)b->result.load.own_cpu_ns > (double)b->result.load.long_ns * BUSY_SHARE;
	bool is_good = result_is_within(s, step) && !is_ours && !step->counts[COUNTER_UNSAID] &&
		       !step->counts[COUNTER_LOST] && flaws == account_flaws(b->crowd->account);
	if (!is_good)
		b->result.found_is_ours = is_ours;
	b->stretch = NULL;
	return stay_until_settled(b, BETWEEN_NS) && is_good;
}

static void bench_settle(struct bench *b)
{
	struct crowd *crowd = b->crowd;

	phase_begin(b, "settle", NULL);
	b->is_loading = b->is_ending = false;
	account_spare(crowd->account, false, mono_now_ns());
	b->result.is_settled = stay_until_settled(b, b->plan->scenario->time_settle_ns);
	stay(b, LAST_NS);
	crowd_unanswered(crowd);
	account_close(crowd->account, mono_now_ns());
	b->result.gone = crowd->gone;
	b->result.gone_code = crowd->gone_code;
}

static bool bench_report(struct bench *b)
{
	struct buf why, table, json;

	take_sample(b, mono_now_ns());
	screen_close(&b->screen);
	buf_init(&why, REPORT_MAX);
	buf_init(&table, REPORT_MAX);
	buf_init(&json, REPORT_MAX);
	result_put_complaints(&b->result, &why);
	report_put_table(&b->result, &table);
	fwrite(table.p, 1, table.len, b->plan->table);
	report_put_result(&json, &b->result);
	say_json(b, &json);
	if (b->plan->html_path)
		html_write(b);
	bool is_good = why.len == 0;
	buf_fini(&why);
	buf_fini(&table);
	buf_fini(&json);
	return is_good;
}

static void html_write(struct bench *b)
{
	const char *path = b->plan->html_path;
	FILE *f = fopen(path, "we");
	struct buf out;

	buf_init(&out, REPORT_MAX);
	report_put_html(&out, &b->result);
	bool is_written = f && fwrite(out.p, 1, out.len, f) == out.len;
	if (f && fclose(f))
		is_written = false;
	if (!is_written)
		fprintf(stderr, "moot-bench: cannot write %s: %s\n", path, strerror(errno));
	buf_fini(&out);
}

static void phase_begin(struct bench *b, const char *name, struct stretch *stretch)
{
	int64_t now_ns = mono_now_ns();
	struct buf line;

	take_sample(b, now_ns);
	b->phase = name;
	b->stretch = stretch;
	if (!b->course.mark_count || strcmp(name, "search") != 0)
		course_mark(&b->course, now_ns - b->began_ns, name);
	buf_init(&line, 1024);
	report_put_phase(&line, b->plan->scenario, name, now_ns - b->began_ns);
	say_json(b, &line);
	buf_fini(&line);
}

static void load_begin(struct bench *b, double factor)
{
	activities_begin(&b->activities, b->crowd, factor, mono_now_ns());
	b->is_loading = true;
}

static void stay(struct bench *b, int64_t for_ns)
{
	for (int64_t until_ns = mono_now_ns() + for_ns; mono_now_ns() < until_ns && !b->is_ending;)
		turn(b, until_ns);
}

static bool stay_until_settled(struct bench *b, int64_t for_ns)
{
	int64_t until_ns = mono_now_ns() + for_ns, look_ns = 0;
	bool is_settled = false;

	while (!is_settled && mono_now_ns() < until_ns && !b->is_ending) {
		turn(b, mono_now_ns() + LOOK_NS);
		if (mono_now_ns() < look_ns)
			continue;
		is_settled = crowd_is_settled(b->crowd);
		look_ns = mono_now_ns() + LOOK_NS;
	}
	return is_settled;
}

static void turn(struct bench *b, int64_t until_ns)
{
	int64_t now_ns = mono_now_ns();

	if (b->is_loading) {
		int64_t next_ns = activities_turn(&b->activities, now_ns);

		until_ns = next_ns < until_ns ? next_ns : until_ns;
	}
	if (now_ns - b->looked_ns >= LOOK_NS)
		look(b, now_ns);
	if (now_ns - b->sampled_ns >= SAMPLE_NS)
		take_sample(b, now_ns);
	now_ns = mono_now_ns();
	int64_t wait_ns = until_ns - now_ns;
	wait_ns = wait_ns < 0 ? 0 : wait_ns > LOOK_NS ? LOOK_NS : wait_ns;
	crowd_turn(b->crowd, wait_ns);
}

static void look(struct bench *b, int64_t now_ns)
{
	char text[512];
	enum control_word word;

	b->looked_ns = now_ns;
	while ((word = control_next(&b->control, text, sizeof text)) != CONTROL_NONE) {
		if (word == CONTROL_MARK)
			mark(b, text);
		else if (word == CONTROL_PIDS)
			(void)cost_watch(&b->cost, text);
		else if (word == CONTROL_END)
			b->is_ending = true;
		else
			account_spare(b->crowd->account, word == CONTROL_SPARE, now_ns);
	}
}

static void take_sample(struct bench *b, int64_t now_ns)
{
	struct cost cost = cost_read(&b->cost);
	int64_t own_ns = cost_own_cpu_ns();
	struct sample s = {.at_ns = b->sampled_ns - b->began_ns,
			   .long_ns = now_ns - b->sampled_ns,
			   .connections = b->crowd->in,
			   .servers_cpu_ns = cost.cpu_ns,
			   .own_cpu_ns = own_ns - b->own_cpu_ns,
			   .servers_bytes = cost.memory_bytes};
	struct buf line;

	sample_take(&s, &b->now);
	tally_add(&b->whole, &b->now);
	tally_add(&b->step, &b->now);
	if (b->stretch) {
		b->stretch->long_ns += s.long_ns;
		b->stretch->servers_cpu_ns += s.servers_cpu_ns;
		b->stretch->own_cpu_ns += s.own_cpu_ns;
		b->stretch->delivered += tally_delivered(&b->now);
		b->stretch->opened += s.counts[COUNTER_OPENED];
	}
	if (b->stretch == &b->result.load)
		b->result.busy_seconds += (double)s.own_cpu_ns > (double)SAMPLE_NS * BUSY_SHARE;
	memset(&b->now, 0, sizeof b->now);
	b->own_cpu_ns = own_ns;
	b->sampled_ns = now_ns;
	if (s.long_ns < SAMPLE_NS / 100)
		return; /* between two phases: nothing to see */
	course_add(&b->course, &s);
	screen_draw(&b->screen, &b->result, b->phase, &s);
	buf_init(&line, 8192);
	report_put_sample(&line, &s);
	say_json(b, &line);
	buf_fini(&line);
}

static void mark(struct bench *b, const char *text)
{
	struct mark_at m = {.at_ns = mono_now_ns() - b->began_ns};
	struct buf line;

	course_mark(&b->course, m.at_ns, text);
	snprintf(m.text, sizeof m.text, "%.*s", MARK_LEN - 1, text);
	buf_init(&line, 1024);
	report_put_mark(&line, &m);
	say_json(b, &line);
	buf_fini(&line);
}

static void say_json(struct bench *b, struct buf *line)
{
	if (!b->plan->json)
		return;
	fwrite(line->p, 1, line->len, b->plan->json);
	fflush(b->plan->json);
}
