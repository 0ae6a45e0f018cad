/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/endpoint.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HOST_LEN (ENDPOINT_LEN - 32)

static void own_address(char out[HOST_LEN]);

bool endpoint_path_is_good(const char *path)
{
	struct sockaddr_un address;

	return !path[0] || (path[0] == '/' && strlen(path) < sizeof address.sun_path);
}

void endpoint_to_listen(const struct endpoint_plan *plan, char out[ENDPOINT_LEN])
{
	if (plan->path[0])
		snprintf(out, ENDPOINT_LEN, "ipc://%s", plan->path);
	else if (plan->port == 0)
		snprintf(out, ENDPOINT_LEN, "tcp://%s:*", plan->host);
	else
		snprintf(out, ENDPOINT_LEN, "tcp://%s:%u", plan->host, plan->port);
}

void endpoint_to_call(const struct endpoint_plan *plan, const char *bound, char out[ENDPOINT_LEN])
{
	char host[HOST_LEN] = "";

	if (plan->path[0]) {
		snprintf(out, ENDPOINT_LEN, "%s", bound);
		return;
	}
	if (plan->advertise[0])
		snprintf(host, sizeof(host), "%s", plan->advertise);
	else if (!strcmp(plan->host, "*") || !strcmp(plan->host, "0.0.0.0"))
		own_address(host);
	if (host[0])
		snprintf(out, ENDPOINT_LEN, "tcp://%s%s", host, strrchr(bound, ':'));
	else
		snprintf(out, ENDPOINT_LEN, "%s", bound);
}

/* In a container the host's name stands for its address; where it leads only to the host itself, it
 * stays a name. Rather an address: to ask for the name of one that is gone may take seconds, and a
 * gateway would do it on the thread of all its links. */
static void own_address(char out[HOST_LEN])
{
	const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;

	if (gethostname(out, HOST_LEN - 1) || getaddrinfo(out, NULL, &hints, &found))
		return;
	const struct sockaddr_in *at = (const void *)found->ai_addr;
	if (ntohl(at->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
		must(inet_ntop(AF_INET, &at->sin_addr, out, HOST_LEN));
	freeaddrinfo(found);
}
