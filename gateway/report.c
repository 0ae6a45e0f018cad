/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/report.h"

#include <inttypes.h>

#include "gateway/listener.h"
#include "gateway/metrics.h"
#include "proto/view_text.h"

enum report_stage { STARTING, READY, DRAINING };

static enum report_stage stage_of(const struct report *);

bool report_ready(void *report, struct buf *checks)
{
	const struct report *r = report;
	bool view = router_view(r->router)->version > 0;
	bool database = pg_is_up(r->pg) || view; /* what is known serves through an outage */
	bool shards = router_links_up(r->router) > 0;
	bool links = !router_is_cut_off(r->router);
	bool listening = *r->listener && !retreat_is_on(r->retreat);
	bool draining = drain_is_on(r->drain);

	buf_printf(checks,
		   "\"database\":%s,\"view\":%s,\"shards\":%s,\"links\":%s,\"listening\":%s,"
		   "\"not_draining\":%s",
		   database ? "true" : "false", view ? "true" : "false", shards ? "true" : "false",
		   links ? "true" : "false", listening ? "true" : "false",
		   draining ? "false" : "true");
	return database && view && shards && links && listening && !draining;
}

void report_state(void *report, struct buf *members)
{
	static const char *const names[] = {"starting", "active", "draining"};
	const struct report *r = report;

	buf_printf(members,
		   ",\"state\":\"%s\",\"view\":%" PRIu64
		   ",\"rooms\":%zu,\"rooms_asleep\":%zu,\"connections\":%zu,\"links\":%u",
		   names[stage_of(r)], router_view(r->router)->version, router_rooms(r->router),
		   router_rooms_asleep(r->router), session_set_connected(r->sessions),
		   router_links_up(r->router));
}

void report_set_figures(const struct report *r)
{
	const struct view *view = router_view(r->router);

	for (unsigned stage = STARTING; stage <= DRAINING; stage++)
		metrics_set(METRIC_up_state + stage, stage == (unsigned)stage_of(r));
	metrics_set(METRIC_view_version, (int64_t)view->version);
	metrics_set(METRIC_view_members, (int64_t)view_members_of(view, MEMBER_SHARD));
	metrics_set(METRIC_view_members + 1, (int64_t)view_members_of(view, MEMBER_GATEWAY));
	metrics_set(METRIC_rooms, (int64_t)router_rooms(r->router));
	metrics_set(METRIC_rooms_asleep, (int64_t)router_rooms_asleep(r->router));
	metrics_set(METRIC_links_up, router_links_up(r->router));
	metrics_set(METRIC_suspects, (int64_t)router_suspects(r->router));
	metrics_set(METRIC_descriptors_short, *r->listener && listener_is_short(*r->listener));
	metrics_set(METRIC_tls_connections, *r->listener ? (int64_t)listener_tls(*r->listener) : 0);
	metrics_set(METRIC_cut_off, router_is_cut_off(r->router));
}

static enum report_stage stage_of(const struct report *r)
{
	if (drain_is_on(r->drain))
		return DRAINING;
	return *r->listener ? READY : STARTING;
}
