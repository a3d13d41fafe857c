/*
 * Certificates of the farm's relays, made when they are needed: by an authority that the monitor
 * trusts, or not.
 */
#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "kind.h"

namespace farm {

class Certificates
{
  public:
	Certificates();

	/* The authority, PEM. */
	void write_authority(const std::string &file) const;
	/* A session of the server's side that shows what a relay of that kind and address does. */
	SSL *new_session(const Relay &relay) const;

  private:
	template <auto Free> struct Deleter
	{
		void operator()(auto *one) const { Free(one); }
	};
	using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
	using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
	using Context = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;

	Certificate make(const std::string &subject, const std::string &names, long from, long until,
					 bool self_signed) const;

	Key authority_key_, key_;
	Certificate authority_;
	Context context_;
};

} // namespace farm
