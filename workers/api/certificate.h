/* The certificate of the sockets with TLS: read from the files of the settings, sent to the net
 * process, never kept here. */
#pragma once

#include <string>

#include "pg/work/worker.h"
#include "wire/serve.h"

class Certificate
{
  public:
	/* Reads the files anew and sends them; `wanted`: a socket needs them. */
	void send(pg::Worker &worker, bool wanted);
	/* What the net process says of them. */
	void taken(const wire::CertificateTaken &message);
	/* Why TLS does not work, or why clients refuse the certificate, and what can be done; empty: it
	 * works. */
	const std::string &fault() const { return fault_; }

  private:
	std::string fault_;
};
