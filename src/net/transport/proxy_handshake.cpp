#include "net/transport/proxy_handshake.h"

#include "nostr/base64.h"

namespace net {

constexpr uint8_t kVersion = 5, kPasswordVersion = 1;
constexpr uint8_t kNoPassword = 0, kPassword = 2, kNoMethod = 0xff;
constexpr uint8_t kConnect = 1;
constexpr uint8_t kIpv4 = 1, kName = 3, kIpv6 = 4;
constexpr size_t kMaxDetail = 100;
constexpr size_t kStatusAt = 9; // after "HTTP/1.1 "
constexpr const char *kProxyFailed = "proxy_failed";
constexpr const char *kUnreachable = "overlay_unreachable";
constexpr const char *kRefused = "connection_refused";

struct Refusal
{
	uint8_t code;
	const char *reason;
	const char *detail;
};

/* The reply codes of RFC 1928, section 6, and from 0xf0 on those that Tor adds for onion services.
 * A code counts as a refusal by the relay only if it proves an answer from beyond the proxy,
 * because a proxy without a network sends the other codes too. */
constexpr Refusal kRefusals[] = {
	{0x01, kProxyFailed, "general failure"},
	{0x02, kProxyFailed, "connection not allowed by the rules of the proxy"},
	{0x03, kUnreachable, "network unreachable"},
	{0x04, kUnreachable, "host unreachable"},
	{0x05, kRefused, "connection refused"},
	{0x06, kUnreachable, "time to live expired"},
	{0x07, kProxyFailed, "the proxy does not know the command"},
	{0x08, kProxyFailed, "the proxy does not know the type of the address"},
	{0xf0, kUnreachable, "descriptor of the onion service not found"},
	{0xf1, kRefused, "descriptor of the onion service not valid"},
	{0xf2, kUnreachable, "introduction to the onion service failed"},
	{0xf3, kUnreachable, "rendezvous with the onion service failed"},
	{0xf4, kRefused, "the onion service wants a client that it knows"},
	{0xf5, kRefused, "the onion service does not accept this client"},
	{0xf6, kRefused, "address of the onion service not valid"},
	{0xf7, kUnreachable, "introduction to the onion service timed out"},
};

static uint8_t
byte_at(const std::string &text, size_t at)
{
	return static_cast<uint8_t>(text[at]);
}

/* Appends one byte with the length of the text, then the text. */
static void
append_counted(std::string &out, std::string_view text)
{
	out += static_cast<char>(text.size());
	out += text;
}

ProxyHandshake::ProxyHandshake(nostr::ProxyKind kind, std::string_view host, uint16_t port)
	: host_(host), port_(port), step_(kind == nostr::ProxyKind::Socks5 ? Step::Method : Step::Head)
{
	if (host.empty() || host.size() > UINT8_MAX) {
		fail(kProxyFailed, "the name of the host is too long for a proxy");
	} else if (kind == nostr::ProxyKind::Socks5) {
		unsent_ = {kVersion, 2, kNoPassword, kPassword};
	} else {
		std::string target = host_ + ":" + std::to_string(port_);
		unsent_ = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target +
				  "\r\nProxy-Authorization: Basic " + nostr::base64(target) + "\r\n\r\n";
	}
}

void
ProxyHandshake::received(std::string_view bytes)
{
	if (state_ != State::Talking)
		return;
	if (bytes.empty())
		return fail(kProxyFailed, "the proxy ended the connection");
	if (!unsent_.empty())
		return fail(kProxyFailed, "the proxy answered before it was asked");
	answered_ = true;
	input_ += bytes;
	switch (step_) {
	case Step::Method:
		read_method();
		break;
	case Step::Password:
		read_password();
		break;
	case Step::Reply:
		read_reply();
		break;
	case Step::Head:
		read_head();
		break;
	}
	/* A relay does not speak first, so bytes after the proxy's answer are a fault of the proxy. */
	if (!input_.empty() && (state_ == State::Open || !unsent_.empty()))
		fail(kProxyFailed, "the proxy sent more than an answer");
}

void
ProxyHandshake::read_method()
{
	if (byte_at(input_, 0) != kVersion)
		return fail(kProxyFailed, "what answers is not a SOCKS5 proxy");
	if (input_.size() < 2)
		return;
	uint8_t method = byte_at(input_, 1);
	input_.erase(0, 2);
	if (method == kNoPassword) {
		ask_for_connection();
	} else if (method == kPassword) {
		unsent_ += static_cast<char>(kPasswordVersion);
		append_counted(unsent_, host_);
		append_counted(unsent_, std::to_string(port_));
		step_ = Step::Password;
	} else {
		fail(kProxyFailed, method == kNoMethod
							   ? "the proxy takes no method of authentication that is offered"
							   : "the proxy chose a method that was not offered");
	}
}

void
ProxyHandshake::read_password()
{
	if (byte_at(input_, 0) != kPasswordVersion)
		return fail(kProxyFailed, "the proxy does not answer to a password as RFC 1929 says");
	if (input_.size() < 2)
		return;
	if (byte_at(input_, 1) != 0)
		return fail(kProxyFailed, "the proxy wants a password of its own");
	input_.erase(0, 2);
	ask_for_connection();
}

void
ProxyHandshake::ask_for_connection()
{
	unsent_.append({char(kVersion), char(kConnect), '\0', char(kName)});
	append_counted(unsent_, host_);
	unsent_.append({char(port_ >> 8), char(port_ & 0xff)});
	step_ = Step::Reply;
}

void
ProxyHandshake::read_reply()
{
	if (byte_at(input_, 0) != kVersion)
		return fail(kProxyFailed, "the reply of the proxy is not one of SOCKS5");
	if (input_.size() < 2)
		return;
	if (uint8_t code = byte_at(input_, 1); code != 0) {
		for (const Refusal &refusal : kRefusals)
			if (refusal.code == code)
				return fail(refusal.reason, refusal.detail);
		return fail(kProxyFailed, "SOCKS5 reply " + std::to_string(code));
	}
	if (input_.size() < 5)
		return;
	/* The reply ends with the address from which the proxy connects, which is not needed. */
	size_t size = 4 + 2;
	switch (byte_at(input_, 3)) {
	case kIpv4:
		size += 4;
		break;
	case kIpv6:
		size += 16;
		break;
	case kName:
		size += 1 + byte_at(input_, 4);
		break;
	default:
		return fail(kProxyFailed, "the reply of the proxy has an unknown type of address");
	}
	if (input_.size() < size)
		return;
	input_.erase(0, size);
	state_ = State::Open;
}

/* The status in a line such as "HTTP/1.1 200 Connection established"; 0 if there is none. */
static int
status_of(std::string_view line)
{
	if (line.size() < kStatusAt + 3 || line[kStatusAt - 1] != ' ')
		return 0;
	int status = 0;
	for (char c : line.substr(kStatusAt, 3)) {
		if (!nostr::is_digit(c))
			return 0;
		status = status * 10 + c - '0';
	}
	return status;
}

/* Reads the status line and the header lines up to the empty line. */
void
ProxyHandshake::read_head()
{
	constexpr std::string_view prefix = "HTTP/1.";
	if (!prefix.starts_with(std::string_view(input_).substr(0, prefix.size())))
		return fail(kProxyFailed, "what answers is not an HTTP proxy");
	size_t end = input_.find("\r\n\r\n");
	if (end == input_.npos) {
		if (input_.size() > kMaxAnswer)
			fail(kProxyFailed, "the answer of the proxy has no end");
		return;
	}
	std::string line = input_.substr(0, input_.find("\r\n"));
	input_.erase(0, end + 4);
	int status = status_of(line);
	if (status == 0)
		return fail(kProxyFailed, "the answer of the proxy has no HTTP status");
	if (status >= 200 && status < 300) {
		state_ = State::Open;
		return;
	}
	/* With 404 and 500 or above, the proxy did not reach the host. Other statuses are about the
	 * request. */
	fail(status == 404 || status >= 500 ? kUnreachable : kProxyFailed,
		 "HTTP status " + nostr::printable(line.substr(kStatusAt, kMaxDetail)));
}

void
ProxyHandshake::fail(const char *reason, std::string detail)
{
	state_ = State::Failed;
	reason_ = reason;
	detail_ = std::move(detail);
	unsent_.clear();
	input_.clear();
}

} // namespace net
