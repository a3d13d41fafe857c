/* The certificate of the sockets with TLS. It is read from the files of the settings and sent to
 * the net process; the worker keeps no copy. */
#pragma once

#include <string>

#include "pg/work/worker.h"
#include "wire/serve.h"

class TlsFiles
{
  public:
	/* Reads the files again and sends them. `wanted`: whether a socket needs the certificate. */
	void send(pg::Worker &worker, bool wanted);
	/* Takes the net process's verdict on the certificate. */
	void taken(const wire::CertificateTaken &message);
	/* Why TLS does not work, or why clients refuse the certificate, with advice; empty if there is
	 * no fault. */
	const std::string &fault() const { return fault_; }

  private:
	std::string fault_;
};
