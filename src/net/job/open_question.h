/* One question of a pager while the relay answers: its subscription, its timeouts, and the memory
 * reserved for its answer. */
#pragma once

#include "net/job/job.h"
#include "nostr/paging.h"

namespace net {

class OpenQuestion final : public Requests::Handler
{
  public:
	/* The owner of the question. The question makes these calls from its own functions, so the
	 * owner must not destroy the question during a call. */
	class Asker
	{
	  public:
		virtual ~Asker() = default;
		/* The answer that receives the events; null if the answer is no longer needed. */
		virtual nostr::Answer *answer(uint32_t number) = 0;
		/* Whether the event matches the filter that is read. */
		virtual bool wants(const nostr::Event &event) const = 0;
		/* The answer is complete or was cut. */
		virtual void on_answered(OpenQuestion &question) = 0;
		/* The question must be asked again. */
		virtual void on_dropped(OpenQuestion &question) = 0;
		/* The relay will not answer this question; the connection stays usable. */
		virtual void on_unanswered(OpenQuestion &question) = 0;
		/* The relay closed the subscription. */
		virtual void on_closed(OpenQuestion &question, std::string_view reason) = 0;
		/* Whether the answer judges earlier readings, so that the worker must hear of each event.
		 */
		virtual bool judges() const = 0;
		/* The connection must be closed. */
		virtual void on_failed(const char *reason, std::string_view detail) = 0;
	};

	/* Sends the question. The caller has reserved `promised` bytes in the budget. */
	OpenQuestion(JobContext &context, Asker &asker, nostr::Pager::Question question,
				 size_t promised);
	~OpenQuestion() override { close(); }
	OpenQuestion(const OpenQuestion &) = delete;

	const std::string &id() const { return id_; }
	uint32_t number() const { return question_.number; }
	const nostr::Window &window() const { return question_.window; }
	bool is_page() const { return question_.page; }
	bool over() const { return over_; }
	/* Unix second at which the question was sent. */
	int64_t asked_at() const { return asked_at_; }
	void tick();
	/* The relay sent a notice that names no question, so it may not answer this question. */
	void noticed() { noticed_ = true; }
	/* The relay complained, without naming a question, that it is asked too fast or too much at
	 * once. */
	void slowed() { slowed_ = true; }
	/* The relay is still answering earlier questions. */
	void progress() { progress_ = context_.client.now(); }
	/* Sends CLOSE and frees the reserved memory. No callback follows. */
	void close();

  private:
	void on_event(nostr::Event &event, std::string_view text) override;
	void on_refused_event(std::string_view text) override;
	void on_end_of_stored(bool more) override;
	void on_closed(std::string_view reason) override;
	void on_notice(std::string_view) override {}
	void pass_on(nostr::Event &event);
	void answered();
	bool full() const;
	bool is_too_long(const nostr::Answer &answer) const;
	void end_here(nostr::Answer &answer);
	void ended_by_silence();
	void stalled();
	void unanswered();
	void drop();
	void learn();

	JobContext &context_;
	Asker &asker_;
	const nostr::Pager::Question question_;
	const std::string id_;
	Promised promised_;
	int64_t asked_at_;
	Clock::Time since_, progress_;
	size_t events_ = 0, bytes_ = 0;
	bool noticed_ = false, slowed_ = false, over_ = false;
	bool lingers_ = false; // EOSE has come, but this relay is known to send EOSE too early
};

} // namespace net
