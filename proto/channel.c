/* SPDX-License-Identifier: Apache-2.0 */
/* Batches leave room for the head, which is of fixed width and written last: only at the moment of
 * sending are `seq` and `consumed` known. Records are never copied once they are in a batch. */
#include "proto/channel.h"

#include "common/mem.h"
#include "proto/limits.h"
#include "proto/message.h"
#include "proto/record.h"

#define HEAD_MAGIC UINT64_C(0x4d6f6f744c696e6b) /* MootLink */
#define HEAD_FIELDS 7
#define HEAD_LEN (1 + HEAD_FIELDS * RECORD_WIDE)
#define CREDIT_STEP (LINK_WINDOW / 4) /* told without being asked after this much was taken */
#define SPARE_MAX 4
#define SPARE_CAP_MAX (4u * LINK_BATCH_AIM) /* a batch grown beyond is not worth keeping */

struct batch {
	struct list node;
	struct buf bytes;
};

static void seal(struct channel *);
static bool has_credit(const struct channel *, const struct batch *);
static enum err send_bytes(struct channel *, struct buf *, channel_send_fn *, void *owner);
static enum err send_credit(struct channel *, channel_send_fn *, void *owner);
static void put_head(const struct channel *, struct buf *);
static void recycle(struct channel *, struct batch *);
static void free_batches(struct list *);
static enum err read_head(struct span *rest, struct channel_head *);

void channel_init(struct channel *ch, incarnation_id self, incarnation_id peer, uint64_t generation)
{
	*ch = (struct channel){.self = self, .peer = peer, .generation = generation};
	buf_init(&ch->open, LINK_BATCH_MAX);
	list_init(&ch->sealed);
	list_init(&ch->spare);
}

void channel_fini(struct channel *ch)
{
	free_batches(&ch->sealed);
	free_batches(&ch->spare);
	buf_fini(&ch->open);
}

struct buf *channel_out(struct channel *ch)
{
	if (ch->open.len >= HEAD_LEN + LINK_BATCH_AIM && !ch->open.over)
		seal(ch);
	if (ch->open.len == 0) {
		must(buf_room(&ch->open, HEAD_LEN));
		ch->open.len = HEAD_LEN;
	}
	ch->fresh++;
	return &ch->open;
}

enum err channel_flush(struct channel *ch, channel_send_fn *send, void *owner)
{
	bool left_out = ch->open.over;

	ch->fresh = 0;
	seal(ch);
	while (ch->peer.v && !list_is_empty(&ch->sealed)) {
		struct batch *b = container_of(ch->sealed.next, struct batch, node);

		if (!has_credit(ch, b) || send_bytes(ch, &b->bytes, send, owner) != OK)
			break;
		list_remove(&b->node);
		ch->sealed_bytes -= b->bytes.len;
		recycle(ch, b);
	}
	if (channel_owes_credit(ch) && send_credit(ch, send, owner) != OK)
		return ch->sealed_bytes > LINK_QUEUE_MAX ? ERR_NO_CREDIT : OK; /* next turn */
	if (left_out)
		return ERR_TOO_BIG;
	return ch->sealed_bytes > LINK_QUEUE_MAX ? ERR_NO_CREDIT : OK;
}

bool channel_owes_credit(const struct channel *ch)
{
	return ch->peer.v && ch->consumed_bytes - ch->told_bytes >= CREDIT_STEP;
}

size_t channel_queued(const struct channel *ch)
{
	return ch->sealed_bytes + (ch->open.len > HEAD_LEN ? ch->open.len : 0);
}

size_t channel_news(const struct channel *ch)
{
	return ch->fresh + channel_owes_credit(ch);
}

enum err channel_take(struct channel *ch, struct span bytes, struct span *records)
{
	struct channel_head head;

	if (read_head(&bytes, &head) != OK)
		return ERR_BAD_MESSAGE;
	if (head.destination.v != ch->self.v || head.generation != ch->generation ||
	    (ch->peer.v && head.source.v != ch->peer.v))
		return ERR_WRONG_PEER;
	if (head.seq != ch->received_seq + 1)
		return ERR_GAP;
	if (head.consumed_bytes > ch->sent_bytes || head.consumed_bytes < ch->peer_consumed_bytes)
		return ERR_BAD_MESSAGE;
	ch->peer = head.source;
	ch->received_seq = head.seq;
	ch->peer_consumed_bytes = head.consumed_bytes;
	ch->consumed_bytes += bytes.len;
	*records = bytes;
	return OK;
}

enum err channel_peek(struct span bytes, struct channel_head *out)
{
	return read_head(&bytes, out);
}

static void seal(struct channel *ch)
{
	struct batch *b;

	if (ch->open.len <= HEAD_LEN) {
		ch->open.over = false;
		return;
	}
	if (list_is_empty(&ch->spare)) {
		b = mem_new(sizeof(*b));
		list_init(&b->node);
		buf_init(&b->bytes, LINK_BATCH_MAX);
	} else {
		b = container_of(ch->spare.next, struct batch, node);
		list_remove(&b->node);
		ch->spare_count--;
	}
	struct buf empty = b->bytes;
	b->bytes = ch->open;
	ch->open = empty;
	list_add_last(&ch->sealed, &b->node);
	ch->sealed_bytes += b->bytes.len;
}

static bool has_credit(const struct channel *ch, const struct batch *b)
{
	return ch->sent_bytes - ch->peer_consumed_bytes + (b->bytes.len - HEAD_LEN) <= LINK_WINDOW;
}

static enum err send_bytes(struct channel *ch, struct buf *b, channel_send_fn *send, void *owner)
{
	size_t len = b->len;

	b->len = 0;
	b->over = false;
	put_head(ch, b);
	must(b->len == HEAD_LEN);
	b->len = len;

	enum err e = send(owner, buf_span(b));
	if (e != OK)
		return e;
	ch->sent_seq++;
	ch->sent_bytes += len - HEAD_LEN;
	ch->told_bytes = ch->consumed_bytes;
	return OK;
}

/* `open` is empty here: seal() came before. */
static enum err send_credit(struct channel *ch, channel_send_fn *send, void *owner)
{
	(void)channel_out(ch);
	enum err e = send_bytes(ch, &ch->open, send, owner);
	buf_clear(&ch->open);
	return e;
}

static void put_head(const struct channel *ch, struct buf *b)
{
	record_put_array(b, HEAD_FIELDS);
	record_put_u64_wide(b, HEAD_MAGIC);
	record_put_u64_wide(b, MESSAGE_REVISION_MAX);
	record_put_u64_wide(b, ch->self.v);
	record_put_u64_wide(b, ch->peer.v);
	record_put_u64_wide(b, ch->generation);
	record_put_u64_wide(b, ch->sent_seq + 1);
	record_put_u64_wide(b, ch->consumed_bytes);
}

static void recycle(struct channel *ch, struct batch *b)
{
	if (ch->spare_count >= SPARE_MAX || b->bytes.cap > SPARE_CAP_MAX) {
		buf_fini(&b->bytes);
		mem_free(b);
		return;
	}
	buf_clear(&b->bytes);
	list_add_last(&ch->spare, &b->node);
	ch->spare_count++;
}

static void free_batches(struct list *batches)
{
	LIST_EACH (batches, it, ahead) {
		struct batch *b = container_of(it, struct batch, node);

		list_remove(it);
		buf_fini(&b->bytes);
		mem_free(b);
	}
}

static enum err read_head(struct span *rest, struct channel_head *out)
{
	struct record head;

	if (record_read(rest, &head) != OK || head.count < HEAD_FIELDS)
		return ERR_BAD_MESSAGE;
	for (size_t i = 0; i < HEAD_FIELDS; i++)
		if (head.fields[i].kind != RECORD_U64)
			return ERR_BAD_MESSAGE;
	if (head.fields[0].number != HEAD_MAGIC)
		return ERR_BAD_MESSAGE;
	*out = (struct channel_head){
		.revision = head.fields[1].number,
		.source = {head.fields[2].number},
		.destination = {head.fields[3].number},
		.generation = head.fields[4].number,
		.seq = head.fields[5].number,
		.consumed_bytes = head.fields[6].number,
	};
	return out->source.v ? OK : ERR_BAD_MESSAGE;
}
