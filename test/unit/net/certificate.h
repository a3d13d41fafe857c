/* A self-signed certificate with its key as a PEM file. */
#pragma once

#include <string>

namespace test {

class Certificate
{
  public:
	/* `names` as OpenSSL's subjectAltName: "DNS:localhost", "IP:127.0.0.1". */
	explicit Certificate(const std::string &names, int valid_for_seconds = 3600);
	~Certificate();
	Certificate(const Certificate &) = delete;
	const std::string &path() const { return path_; }

  private:
	std::string path_;
};

} // namespace test
