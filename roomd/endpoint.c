/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/endpoint.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST_LEN (ENDPOINT_LEN - 32)

static void own_address(char out[HOST_LEN]);

void endpoint_write(const char *listens_on, const char *advertised, const char *bound,
		    char out[ENDPOINT_LEN])
{
	const char *port = strrchr(bound, ':');
	char host[HOST_LEN] = "";

	must(port);
	if (advertised[0])
		snprintf(host, sizeof(host), "%s", advertised);
	else if (!strcmp(listens_on, "*") || !strcmp(listens_on, "0.0.0.0"))
		own_address(host);
	if (host[0])
		snprintf(out, ENDPOINT_LEN, "tcp://%s%s", host, port);
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
