#include "workers/dvm/payments.h"

#include "nostr/job_events.h"
#include "workers/dvm/jobs.h"
#include "workers/dvm/settings.h"

constexpr int64_t kAge = 3600; // seconds for which a job waits for its payment

void
Payments::read_settings(pg::Worker &worker)
{
	std::optional<nostr::PublicKey> zapper(std::in_place);
	if (!nostr::from_hex(dvm_settings.zapper, zapper->data(), zapper->size()))
		zapper.reset();
	if (zapper != zapper_)
		listener_.stop(worker);
	zapper_ = zapper;
	listener_.read_relays(worker);
}

void
Payments::listen(pg::Worker &worker)
{
	if (zapper_)
		listener_.listen(worker, {nostr::kZapReceipt}, worker.now() - kAge, &*zapper_);
}

bool
Payments::take(pg::Worker &worker, std::string_view receipt, const nostr::PublicKey &us)
{
	return zapper_ && jobs::take_zap(worker, receipt, *zapper_, us);
}
