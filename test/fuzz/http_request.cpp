/*
 * The reader of HTTP requests: the same requests come out of the same bytes, however they are cut,
 * and what comes out keeps the reader's promises. The first byte says where to cut.
 */
#include "net/serve/client_request.h"
#include "net/serve/request_target.h"
#include "require.h"

namespace {

struct Result
{
	std::vector<net::ClientRequest> requests;
	int status = 0; // of the fault

	bool operator==(const Result &other) const
	{
		auto same = [](const net::ClientRequest &a, const net::ClientRequest &b) {
			return a.method == b.method && a.target == b.target && a.headers == b.headers &&
				   a.body == b.body && a.keep_alive == b.keep_alive;
		};
		return status == other.status &&
			   std::equal(requests.begin(), requests.end(), other.requests.begin(),
						  other.requests.end(), same);
	}
};

Result
read(std::string_view bytes, size_t piece)
{
	net::HttpReader reader;
	Result result;
	while (!bytes.empty()) {
		size_t size = std::min(piece, bytes.size());
		reader.take(bytes.substr(0, size));
		bytes.remove_prefix(size);
		while (auto request = reader.next())
			result.requests.push_back(*request);
	}
	if (reader.fault())
		result.status = reader.fault()->status;
	return result;
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	std::string_view bytes(reinterpret_cast<const char *>(data) + 1, size - 1);
	Result whole = read(bytes, bytes.size());
	require(whole == read(bytes, 1 + data[0] % 64));
	for (const net::ClientRequest &request : whole.requests) {
		require(!request.method.empty() && !request.target.empty());
		require(request.header("transfer-encoding").empty());
		require(request.body.size() <= net::HttpReader::kMaxBody);
		auto target = net::parse_target(request.target);
		if (!target)
			continue;
		/* Written anew, it means the same. */
		std::string again = "/";
		for (const std::string &segment : target->path)
			again += (again.size() > 1 ? "/" : "") + net::percent_encode(segment);
		for (const auto &[name, value] : target->query)
			again += (again.find('?') == std::string::npos ? "?" : "&") +
					 net::percent_encode(name) + "=" + net::percent_encode(value);
		auto second = net::parse_target(again);
		require(second.has_value());
		require(second->query == target->query);
	}
	return 0;
}
