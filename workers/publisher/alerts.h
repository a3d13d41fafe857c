/*
 * Alerts: changes of a relay's status that are sent to the receivers of bigbrotr.watch_relay, to a
 * URL by POST or to a key by private message. Only this worker knows which alerts are under way; if
 * it ends, they are sent again with the same ids.
 */
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "nostr/keys.h"
#include "pg/work/mail.h"
#include "pg/work/worker.h"
#include "wire/publish.h"

class Alerts
{
  public:
	/* Numbers from this one on name the relays that receive private messages. */
	static constexpr int32_t kFirstNumber = 1'000'000;

	/* Gives the alerts that are due to the net process. `signer`: null if there is no key.
	 * `relays`: the relays for readers who name none. */
	void tend(pg::Worker &worker, const nostr::Signer *signer,
			  const std::vector<std::string> &relays);
	/* Records the result of an alert. Throws pg::NetFault if the net process was not given this
	 * alert. */
	void take(pg::Worker &worker, const wire::Posted &posted);
	/* These two take messages about relays whose number is kFirstNumber or above. */
	void take(const wire::Answered &answer) { mail_.take(answer); }
	void take(pg::Worker &worker, const wire::ConnectionEnded &end);
	/* The URL of this connection; null if the connection is over or has asked for too many
	 * signatures. */
	const std::string *asks_who_writes(const wire::SignIn &question)
	{
		return mail_.asks_who_writes(question.relay_id, question.attempt);
	}
	/* Must be called when the net process has ended. Records all alerts under way as failed,
	 * because one of them may have caused the end. */
	void fail_all(pg::Worker &worker);
	/* Whether an alert waits for bigbrotr.alert_secret_file. */
	bool lacks_secret() const { return lacks_secret_; }
	/* Whether an alert was sent since the worker began. */
	bool any() const { return attempts_ > 0; }

  private:
	struct Due;
	struct Secret;
	struct Sent
	{
		int32_t relay_id;
		std::string alert_id;
	};

	std::vector<Due> due(pg::Worker &worker) const;
	bool read_secret(pg::Worker &worker, Secret &secret);
	void post(pg::Worker &worker, const Due &alert, const Secret &secret);
	void write(pg::Worker &worker, const Due &alert, const nostr::Signer *signer,
			   const std::vector<std::string> &relays);
	void note(pg::Worker &worker, uint32_t attempt, std::string_view error);
	void note_letters(pg::Worker &worker);
	static void record(pg::Worker &worker, const Sent &sent, std::string_view error);

	std::unordered_map<uint32_t, Sent> under_way_; // alerts under way, by attempt
	uint32_t attempts_ = 0;
	bool lacks_secret_ = false;
	std::string fault_; // last fault of the secret that was logged; empty: none
	std::vector<pg::Letter> ended_;
	pg::Mail mail_{kFirstNumber, [this](const pg::Letter &letter) { ended_.push_back(letter); }};
};
