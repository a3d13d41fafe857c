#include "net/serve/calls.h"

namespace net {

int
status_of(std::string_view sqlstate)
{
	const std::string_view sort = sqlstate.substr(0, 2);
	if (sqlstate == "PT422")
		return 422;
	if (sqlstate == "PT429")
		return 429;
	if (sqlstate == "P0002") // no_data_found
		return 404;
	/* insufficient_privilege; statement_too_complex: over the limit of cost */
	if (sqlstate == "42501" || sqlstate == "54001")
		return 403;
	if (sqlstate == "57014") // query_canceled: timeout
		return 504;
	if (sqlstate == "0A000") // feature_not_supported
		return 501;
	if (sort == "22" || sort == "23" || sqlstate == "P0001")
		return 400;
	if (sort == "53" || sort == "54" || sort == "55" || sort == "57" || sort == "58")
		return 503;
	return 500;
}

std::string
fault_text(const wire::CallEnd &end)
{
	const int status = status_of(end.sqlstate);
	std::string text(end.message);
	if (status == 403)
		for (std::string_view more : {end.detail, end.hint})
			if (!more.empty())
				text.append(text.ends_with('.') ? " " : ". ").append(more);
	return (status == 400 ? "invalid: " : status == 403 ? "blocked: " : "error: ") + text;
}

} // namespace net
