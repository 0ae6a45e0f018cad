/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/front.h"

#include "common/tls.h"
#include "gateway/metrics.h"

static struct tls_files files_of(const struct gateway_options *opt);
static void show_expiry(const struct front *f);

enum err front_open(struct front *f, const struct gateway_options *opt)
{
	const struct tls_files files = files_of(opt);
	struct span bad;

	f->proxies = ip_set_new(span_str(opt->proxy_trusted), &bad);
	must(f->proxies); /* main has looked */
	if (opt->tls_port == 0 && opt->tls_own_port == 0)
		return OK;
	enum err e = tls_open(&files, &f->tls);

	if (e == OK)
		show_expiry(f);
	return e;
}

enum err front_reload(struct front *f, const struct gateway_options *opt)
{
	const struct tls_files files = files_of(opt);

	if (!f->tls)
		return OK;
	enum err e = tls_load(f->tls, &files);

	show_expiry(f);
	return e;
}

void front_fini(struct front *f)
{
	tls_close(&f->tls);
	ip_set_free(&f->proxies);
}

static struct tls_files files_of(const struct gateway_options *opt)
{
	return (struct tls_files){.certificate = opt->tls_certificate, .key = opt->tls_key};
}

static void show_expiry(const struct front *f)
{
	metrics_set(METRIC_certificate_expiry_timestamp_seconds,
		    tls_expires_unix_s(f->tls) * NS_PER_S);
}
