#include "net/serve/peer_socket.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace net {

constexpr size_t kAtOnce = 64 << 10; // bytes of a system call
constexpr ssize_t kLater = -1, kBroken = -2;

PeerSocket::PeerSocket(Reactor &reactor, const Clock &clock, Owner &owner, int fd,
					   TlsConnection tls)
	: reactor_(reactor), clock_(clock), owner_(owner), fd_(fd), tls_(std::move(tls)),
	  watched_(EPOLLIN | EPOLLRDHUP)
{
	reactor_.watch(fd_, watched_, [this](uint32_t events) { ready(events); });
}

PeerSocket::~PeerSocket()
{
	if (!gone_)
		reactor_.unwatch(fd_);
	close(fd_);
}

bool
PeerSocket::in_handshake() const
{
	return tls_ && SSL_is_init_finished(tls_.get()) == 0;
}

/* Whether TLS holds decrypted bytes that were not read yet. */
bool
PeerSocket::has_unread() const
{
	return tls_ && !deaf_ && !at_end_ && SSL_pending(tls_.get()) > 0;
}

void
PeerSocket::watch()
{
	if (gone_)
		return;
	uint32_t wanted =
		(half_closed_ ? 0U : EPOLLRDHUP) | (deaf_ || at_end_ ? 0U : EPOLLIN) |
		(unsent_ > 0 || sent_due_ || tls_wants_write_ || has_unread() ? EPOLLOUT : 0U);
	/* The connection is about to end, so the peer's bytes are not read. */
	if (finishing_)
		wanted = EPOLLOUT;
	if (wanted != watched_)
		reactor_.change(fd_, watched_ = wanted);
}

void
PeerSocket::send(std::string bytes)
{
	if (bytes.empty() || finishing_ || gone_)
		return;
	if (unsent_ == 0)
		last_taken_ = clock_.now();
	unsent_ += bytes.size();
	sent_due_ = true;
	/* Bytes of one round of events are joined, which saves system calls. */
	if (!queue_.empty() && queue_.back().size() + bytes.size() <= kAtOnce)
		queue_.back() += bytes;
	else
		queue_.push_back(std::move(bytes));
	/* write() may find a fault, which the next event reports. */
	if (unsent_ >= kAtOnce)
		write();
	watch();
}

void
PeerSocket::be_deaf(bool deaf)
{
	deaf_ = deaf;
	watch();
}

void
PeerSocket::finish()
{
	finishing_ = true;
	if (unsent_ == 0)
		cut();
	else
		watch();
}

void
PeerSocket::cut()
{
	if (gone_)
		return;
	gone_ = true;
	/* close_notify tells the peer that the answer is complete. A connection that is cut ends
	 * without it. */
	if (tls_ && finishing_ && unsent_ == 0 && !tls_broken_ && !in_handshake()) {
		ERR_clear_error();
		SSL_shutdown(tls_.get());
	}
	reactor_.unwatch(fd_);
	owner_.on_gone();
}

void
PeerSocket::ready(uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP))
		return cut();
	if (events & EPOLLOUT) {
		if (!write() || (unsent_ == 0 && finishing_))
			return cut();
		const bool sent = unsent_ == 0 && std::exchange(sent_due_, false);
		watch();
		if (sent)
			return owner_.on_sent();
	}
	if ((events & EPOLLIN) || (tls_wants_write_ && !deaf_) || has_unread())
		return read();
	if ((events & EPOLLRDHUP) && !half_closed_) {
		half_closed_ = true;
		watch();
		owner_.on_half_closed();
	}
}

void
PeerSocket::read()
{
	std::array<char, Reactor::kReadSize> bytes;
	do {
		const ssize_t size = receive(bytes.data(), bytes.size());
		if (size > 0) {
			owner_.on_bytes({bytes.data(), size_t(size)});
			explicit_bzero(bytes.data(), size_t(size)); // the bytes may hold a key
		} else if (size == 0) {
			half_closed_ = at_end_ = true;
			watch();
			return owner_.on_half_closed();
		} else if (size == kBroken) {
			return cut();
		}
	} while (!gone_ && !finishing_ && has_unread());
	watch();
}

/* False if the connection has failed. */
bool
PeerSocket::write()
{
	while (!queue_.empty()) {
		const std::string &front = queue_.front();
		ssize_t size = transmit(front.data() + sent_, front.size() - sent_);
		if (size <= 0)
			return size == kLater;
		last_taken_ = clock_.now();
		sent_ += size_t(size);
		unsent_ -= size_t(size);
		if (sent_ == front.size()) {
			queue_.pop_front();
			sent_ = 0;
		}
	}
	return true;
}

/* Returns the number of bytes; 0 if the peer has closed its side; kLater or kBroken. */
ssize_t
PeerSocket::receive(char *to, size_t size)
{
	if (tls_) {
		ERR_clear_error();
		const int got = SSL_read(tls_.get(), to, static_cast<int>(size));
		tls_wants_write_ = SSL_want_write(tls_.get());
		return tls_result(got);
	}
	const ssize_t got = recv(fd_, to, size, 0);
	return got >= 0 ? got : errno == EAGAIN || errno == EINTR ? kLater : kBroken;
}

/* Returns the number of bytes, kLater or kBroken. */
ssize_t
PeerSocket::transmit(const char *from, size_t size)
{
	if (tls_) {
		ERR_clear_error();
		return tls_result(SSL_write(tls_.get(), from, static_cast<int>(size)));
	}
	const ssize_t taken = ::send(fd_, from, size, MSG_NOSIGNAL);
	return taken >= 0 ? taken : errno == EAGAIN || errno == EINTR ? kLater : kBroken;
}

ssize_t
PeerSocket::tls_result(int result)
{
	if (result > 0)
		return result;
	switch (SSL_get_error(tls_.get(), result)) {
	case SSL_ERROR_WANT_WRITE:
	case SSL_ERROR_WANT_READ:
		return kLater;
	case SSL_ERROR_ZERO_RETURN:
		return in_handshake() ? kBroken : 0;
	default:
		break;
	}
	tls_broken_ = true;
	/* Browsers show this text to users who typed http: instead of https:. */
	if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) {
		constexpr std::string_view text =
			"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
			"Connection: close\r\nContent-Length: 40\r\n\r\n"
			"This port speaks TLS: begin with https:\n";
		static_cast<void>(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL));
	}
	return kBroken;
}

} // namespace net
