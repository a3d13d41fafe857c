/* The server of the API over TLS. */
#include <atomic>
#include <csignal>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include <openssl/ssl.h>

#include "api_client.h"
#include "certificate.h"

namespace {

using namespace std::chrono_literals;
using namespace test;

std::string
pem(const Certificate &certificate)
{
	std::ostringstream text;
	text << std::ifstream(certificate.path()).rdbuf();
	return text.str();
}

wire::ServeSettings
with_tls()
{
	std::signal(SIGPIPE, SIG_IGN); // as the net process does
	wire::ServeSettings settings = ApiServer::default_settings();
	settings.tls = "1";
	return settings;
}

void
echo(ApiServer &server, const ApiServer::Call &call)
{
	const size_t size = call.arguments[0] == "large" ? 300 : 1;
	for (size_t i = 0; i < size; i++)
		server.rows(call.number, {std::string(size == 1 ? 1 : 10000, 'x')});
	server.end(call.number);
}

class TlsClient
{
  public:
	explicit TlsClient(const ApiServer &server, const std::string &protocols = "\x08http/1.1",
					   int newest = TLS1_3_VERSION)
		: context_(SSL_CTX_new(TLS_client_method())), fd_(server.connect())
	{
		SSL_CTX_set_max_proto_version(context_, newest);
		SSL_CTX_set_cipher_list(context_, "ALL:@SECLEVEL=0");
		ssl_ = SSL_new(context_);
		SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char *>(protocols.data()),
							unsigned(protocols.size()));
		SSL_set_fd(ssl_, fd_);
		connected = SSL_connect(ssl_) == 1;
	}
	~TlsClient()
	{
		SSL_free(ssl_);
		SSL_CTX_free(context_);
		close(fd_);
	}
	TlsClient(const TlsClient &) = delete;

	void ask(const std::string &target, const std::string &headers = "")
	{
		std::string request = "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n";
		EXPECT_EQ(SSL_write(ssl_, request.data(), int(request.size())), int(request.size()));
	}
	/* Until the server closes, or there is as much as that. */
	std::string read(const std::string &until)
	{
		std::string out;
		char piece[4096];
		for (int size; !out.ends_with(until) && (size = SSL_read(ssl_, piece, sizeof piece)) > 0;)
			out.append(piece, size_t(size));
		return out;
	}
	bool server_has_closed() { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }
	void close_notify() { SSL_shutdown(ssl_); }
	void close_side() { shutdown(fd_, SHUT_WR); }
	std::string protocol() const
	{
		const unsigned char *name = nullptr;
		unsigned size = 0;
		SSL_get0_alpn_selected(ssl_, &name, &size);
		return {reinterpret_cast<const char *>(name), size};
	}
	/* Of the server's certificate. */
	std::string fingerprint() const
	{
		unsigned char bytes[EVP_MAX_MD_SIZE];
		unsigned size = 0;
		X509 *certificate = SSL_get1_peer_certificate(ssl_);
		X509_digest(certificate, EVP_sha256(), bytes, &size);
		X509_free(certificate);
		return {reinterpret_cast<char *>(bytes), size};
	}

	bool connected = false;

  private:
	SSL_CTX *context_;
	SSL *ssl_ = nullptr;
	int fd_;
};

} // namespace

TEST(ServeTls, Answers)
{
	ApiServer server(echo, with_tls());
	Certificate certificate("DNS:localhost");
	EXPECT_EQ(server.certify(pem(certificate), pem(certificate)),
			  std::pair(std::string(), std::string()));
	TlsClient client(server);
	ASSERT_TRUE(client.connected);
	EXPECT_EQ(client.protocol(), "http/1.1");
	client.ask("/one/1");
	EXPECT_EQ(body_of(client.read("\r\nx")), "x");
	client.ask("/one/large", "Connection: close\r\n");
	EXPECT_EQ(body_of(client.read("no end")).size(), 10000U);
	EXPECT_TRUE(client.server_has_closed());
	TlsClient list(server);
	list.ask("/list", "Connection: close\r\n");
	EXPECT_EQ(status_of(list.read("no end")), 200);
	/* What it does not speak. */
	EXPECT_FALSE(TlsClient(server, "\x02h2").connected);
	EXPECT_FALSE(TlsClient(server, "\x08http/1.1", TLS1_1_VERSION).connected);
	EXPECT_TRUE(TlsClient(server, "\x02h2\x08http/1.1", TLS1_2_VERSION).connected);
	EXPECT_NE(server.get("/one/1").find("This port speaks TLS"), std::string::npos);
}

TEST(ServeTls, LongAnswersComeWhole)
{
	ApiServer server(
		[](ApiServer &api, const ApiServer::Call &call) {
			for (int i = 0; i < 300; i++)
				api.rows(call.number, {std::string(10000, 'x')});
			api.end(call.number);
		},
		with_tls());
	Certificate certificate("DNS:localhost");
	server.certify(pem(certificate), pem(certificate));
	TlsClient client(server);
	client.ask("/array", "Connection: close\r\n");
	const std::string answer = client.read("no end");
	EXPECT_EQ(std::ranges::count(body_of(answer), 'x'), 3000000);
	EXPECT_TRUE(answer.ends_with("\r\n0\r\n\r\n"));
}

TEST(ServeTls, TheCertificateIsReplacedUnderConnections)
{
	ApiServer server(echo, with_tls());
	Certificate expired("DNS:localhost", -3600), good("DNS:localhost"), other("DNS:localhost");
	EXPECT_FALSE(TlsClient(server).connected) << "without a certificate";
	EXPECT_EQ(server.certify(pem(expired), pem(expired)).second, "the certificate has expired");
	TlsClient before(server);
	ASSERT_TRUE(before.connected);
	EXPECT_EQ(server.certify(pem(good), pem(good)).second, "");
	TlsClient after(server);
	EXPECT_NE(after.fingerprint(), before.fingerprint());
	before.ask("/one/1");
	EXPECT_EQ(body_of(before.read("\r\nx")), "x");
	/* What cannot be used changes nothing. */
	EXPECT_NE(server.certify(pem(good), pem(other)).first.find("does not belong"),
			  std::string::npos);
	EXPECT_NE(server.certify("nonsense", pem(other)).first.find("not PEM"), std::string::npos);
	EXPECT_NE(server.certify(pem(good), "nonsense").first.find("not PEM"), std::string::npos);
	EXPECT_NE(server.certify("", "").first, "");
	EXPECT_EQ(TlsClient(server).fingerprint(), after.fingerprint());
}

TEST(ServeTls, ClientsThatCloseTheirSideGetTheirAnswers)
{
	ApiServer server(echo, with_tls());
	Certificate certificate("DNS:localhost");
	server.certify(pem(certificate), pem(certificate));
	TlsClient polite(server), rude(server);
	polite.ask("/one/1");
	polite.close_notify();
	EXPECT_EQ(body_of(polite.read("no end")), "x");
	rude.ask("/one/1");
	rude.close_side();
	EXPECT_EQ(body_of(rude.read("no end")), "x");
}

TEST(ServeTls, SlowHandshakesEnd)
{
	ApiServer server(echo, with_tls());
	Certificate certificate("DNS:localhost");
	server.certify(pem(certificate), pem(certificate));
	std::atomic<bool> ended = false;
	std::thread time([&] {
		for (; !ended; std::this_thread::sleep_for(10ms))
			server.clock.advance(1s);
	});
	EXPECT_EQ(server.talk("\x16\x03\x01"), "");
	ended = true;
	time.join();
}
