/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct session;

void mutant_publisher_forgive(struct session *); /* in all its rooms it owes nothing any more */
