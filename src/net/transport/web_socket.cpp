#include "net/transport/web_socket.h"

#include "net/transport/deflate.h"

namespace net {

/* A buffer that grew beyond this size for one message is freed after the message. */
constexpr size_t kKeptBuffer = 32 << 10;
void
WebSocket::send(std::string text)
{
	unsent_.push_back(std::move(text));
	if (socket() && is_open())
		lws_callback_on_writable(socket());
}

void
WebSocket::ping()
{
	ping_due_ = true;
	if (socket() && is_open())
		lws_callback_on_writable(socket());
}

int
WebSocket::handle(lws *wsi, lws_callback_reasons reason, std::string_view bytes)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		opened();
		tune_deflate(wsi);
		handler_->on_open();
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		receive(wsi, bytes);
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		messages_->on_life();
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return write_one(wsi);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		if (bytes.size() >= 2) {
			peer_close_ = "close " + std::to_string(uint8_t(bytes[0]) << 8 | uint8_t(bytes[1]));
			if (bytes.size() > 2)
				peer_close_ += " " + std::string(bytes.substr(2));
		}
		return 0;
	default:
		return 0;
	}
}

void
WebSocket::receive(lws *wsi, std::string_view piece)
{
	bytes_ += piece.size();
	if (lws_frame_is_binary(wsi))
		return cut("binary_frame", "");
	/* The size that the frame's head announces counts too. */
	if (skipping_ ||
		buffer_.size() + piece.size() + lws_remaining_packet_payload(wsi) > max_message_)
		return skip(wsi, piece);
	if (!lws_is_final_fragment(wsi))
		return keep(piece);
	if (incomplete_since_ == Clock::Time{})
		return messages_->on_message(piece);
	keep(piece);
	incomplete_since_ = {};
	account_buffer(0);
	std::string whole = std::move(buffer_);
	buffer_.clear();
	messages_->on_message(whole);
	if (socket() && whole.capacity() <= kKeptBuffer) {
		whole.clear();
		buffer_ = std::move(whole);
	}
}

void
WebSocket::keep(std::string_view piece)
{
	if (incomplete_since_ == Clock::Time{})
		incomplete_since_ = transport_.clock.now();
	buffer_ += piece;
	account_buffer(buffer_.capacity());
}

/* A message that is too large is read and discarded, because one large event must not end the
 * connection. */
void
WebSocket::skip(lws *wsi, std::string_view piece)
{
	if (!skipping_) {
		drop_buffer();
		skipping_ = true;
		skippable_ = 0;
		incomplete_since_ = transport_.clock.now();
	}
	if (piece.size() > skippable_) {
		size_t more = piece.size() - skippable_ + lws_remaining_packet_payload(wsi);
		if (!messages_->on_too_large(more))
			return cut("frame_too_large", "more than " + std::to_string(max_message_) + " bytes");
		skippable_ += more;
	}
	skippable_ -= piece.size();
	if (!lws_is_final_fragment(wsi))
		return;
	skipping_ = false;
	incomplete_since_ = {};
	messages_->on_skipped();
}

void
WebSocket::drop_buffer()
{
	account_buffer(0);
	buffer_ = {};
	incomplete_since_ = {};
}

/* Sets the number of bytes accounted for the half-received message. */
void
WebSocket::account_buffer(size_t bytes)
{
	transport_.half_received += bytes - accounted_;
	accounted_ = bytes;
}

int
WebSocket::write_one(lws *wsi)
{
	unsigned char frame[LWS_PRE + 512];
	if (ping_due_) {
		ping_due_ = false;
		if (lws_write(wsi, frame + LWS_PRE, 0, LWS_WRITE_PING) < 0)
			return -1;
	} else if (!unsent_.empty()) {
		std::string text = std::move(unsent_.front());
		unsent_.pop_front();
		text.insert(0, LWS_PRE, '\0');
		auto *start = reinterpret_cast<unsigned char *>(text.data()) + LWS_PRE;
		if (lws_write(wsi, start, text.size() - LWS_PRE, LWS_WRITE_TEXT) < 0)
			return -1;
		written_at_ = transport_.clock.now();
	}
	if (!unsent_.empty() || ping_due_)
		lws_callback_on_writable(wsi);
	return 0;
}

} // namespace net
