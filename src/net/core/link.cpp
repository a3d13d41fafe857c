#include "net/core/link.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace net {

constexpr size_t kReadSize = 128 << 10;
constexpr int kReadsPerTurn = 8;

Link::Link(int fd) : fd_(fd)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		throw std::system_error(errno, std::generic_category(), "link");
}

Link::~Link()
{
	close(fd_);
}

bool
Link::receive(const std::function<void(const wire::Frame &)> &handle)
{
	for (int reads = 0; reads < kReadsPerTurn; reads++) {
		ssize_t size = read(fd_, input_.reserve(kReadSize), kReadSize);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0 && errno == EAGAIN)
			return true;
		if (size <= 0)
			return false;
		input_.filled(size_t(size));
		while (auto frame = input_.next())
			handle(*frame);
		if (input_.broken())
			throw LinkError("impossible head of a frame");
		if (size_t(size) < kReadSize)
			return true;
	}
	return true;
}

void
Link::queue(std::string frame)
{
	queued_ += frame.size();
	queue_.push_back(std::move(frame));
}

void
Link::log(wire::LogLevel level, int32_t relay_id, std::string_view text)
{
	send_if_idle(wire::Log{.level = level, .relay_id = relay_id, .message = text});
}

bool
Link::flush()
{
	while (!queue_.empty()) {
		std::string &front = queue_.front();
		ssize_t size =
			::send(fd_, front.data() + sent_, front.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno == EAGAIN;
		sent_ += size_t(size);
		if (sent_ == front.size()) {
			queued_ -= front.size();
			queue_.pop_front();
			sent_ = 0;
		}
	}
	return true;
}

} // namespace net
