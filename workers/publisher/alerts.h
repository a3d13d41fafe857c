/*
 * Alerts: changes of status that are sent to the receivers of bigbrotr.watch_relay: a URL by POST,
 * a key by a private message. What is under way is known here only: if this worker ends, it is sent
 * again, with the same id.
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
	/* Relays that private messages go to have numbers from this one on. */
	static constexpr int32_t kFirstNumber = 1'000'000;

	/* Hands what is due to the net process. `signer`: null if there is no key. `relays`: where
	 * readers are written to who do not say where. */
	void tend(pg::Worker &worker, const nostr::Signer *signer,
			  const std::vector<std::string> &relays);
	/* Notes what became of an alert; throws pg::NetFault if the net process did not have it. */
	void take(pg::Worker &worker, const wire::Posted &posted);
	/* Of relays with numbers of ours. */
	void take(const wire::Answered &answer) { mail_.take(answer); }
	void take(pg::Worker &worker, const wire::ConnectionEnded &end);
	/* Where that connection goes; null: there is none. It may ask who writes a few times. */
	const std::string *asks_who_writes(const wire::SignIn &question)
	{
		return mail_.asks_who_writes(question.relay_id, question.attempt);
	}
	/* The net process has ended: what was under way has failed, since it may be the cause. */
	void fail_all(pg::Worker &worker);
	/* Is there an alert that waits for bigbrotr.alert_secret_file? */
	bool lacks_secret() const { return lacks_secret_; }
	/* Were there any since the worker began? */
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

	std::unordered_map<uint32_t, Sent> under_way_; // by attempt
	uint32_t attempts_ = 0;
	bool lacks_secret_ = false;
	std::string fault_; // of the secret, in words, as the log has it; empty: none
	std::vector<pg::Letter> ended_;
	pg::Mail mail_{kFirstNumber, [this](const pg::Letter &letter) { ended_.push_back(letter); }};
};
