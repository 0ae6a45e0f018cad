/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pace.h"

#include "gateway/rate.h"

static bool is_waiting(const struct pace *, int64_t now_ns);

enum pace_step pace_refuse(struct pace *p, int64_t wait_ns, int64_t now_ns)
{
	if (!is_waiting(p, now_ns)) {
		if (!p->struck || now_ns - p->until_ns > PACE_FORGET_NS)
			p->strikes = 0;
		p->struck = false;
		p->until_ns = now_ns + (wait_ns > PACE_WAIT_NS ? wait_ns : PACE_WAIT_NS);
		return PACE_TELL;
	}
	if (!p->struck && p->until_ns - now_ns <= PACE_HEARD_NS) {
		p->struck = true;
		p->strikes++;
	}
	return p->strikes >= PACE_STRIKES ? PACE_END : PACE_AGAIN;
}

int64_t pace_wait_ns(const struct pace *p, int64_t wait_ns, int64_t now_ns)
{
	int64_t left_ns = is_waiting(p, now_ns) ? p->until_ns - now_ns : 0;

	return wait_ns > left_ns ? wait_ns : left_ns;
}

bool pace_may_say(struct pace *p, int64_t now_ns)
{
	uint32_t now_s = (uint32_t)(now_ns / NS_PER_S);
	bool may = p->said_s != now_s;

	p->said_s = now_s;
	return may;
}

/* No wait is longer than that: the clock went back, and none is known any more. */
static bool is_waiting(const struct pace *p, int64_t now_ns)
{
	return now_ns < p->until_ns && p->until_ns - now_ns <= RATE_DEBT_NS;
}
