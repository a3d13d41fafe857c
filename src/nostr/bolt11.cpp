#include "bolt11.h"

#include "bech32.h"

namespace nostr {

namespace {

constexpr size_t kMaxChars = 16384;
constexpr int64_t kPerBitcoin = 100'000'000'000; // millisatoshi

/* The unit of an amount in millisatoshi; `p` is a tenth of one millisatoshi. */
struct Unit
{
	int64_t value = kPerBitcoin;
	bool tenths = false;
};

/* Removes the multiplier from the amount and returns its unit. */
Unit
take_unit(std::string_view &amount)
{
	Unit unit;
	switch (amount.back()) {
	case 'm':
		unit.value /= 1'000;
		break;
	case 'u':
		unit.value /= 1'000'000;
		break;
	case 'n':
		unit.value /= 1'000'000'000;
		break;
	case 'p':
		unit = {1, true};
		break;
	default:
		return unit;
	}
	amount.remove_suffix(1);
	return unit;
}

Bolt11Amount
parse_amount(std::string_view amount)
{
	Unit unit = take_unit(amount);
	if (amount.empty() || amount.front() == '0')
		return {"bad_amount"};
	int64_t number = 0;
	for (char c : amount) {
		int digit = c - '0';
		if (digit < 0 || digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, digit, &number))
			return {"bad_amount"};
	}
	if (unit.tenths) {
		if (number % 10 != 0)
			return {"bad_amount"};
		number /= 10;
	}
	if (__builtin_mul_overflow(number, unit.value, &number))
		return {"bad_amount"};
	return {nullptr, number};
}

} // namespace

Bolt11Amount
bolt11_amount(std::string_view invoice)
{
	Bech32 decoded = decode_bech32(invoice, kMaxChars);
	if (decoded.reason != nullptr)
		return {decoded.reason};
	/* The prefixes of the networks; a longer prefix stands before a shorter one that it begins
	 * with. */
	for (std::string_view network : {"lnbcrt", "lnbc", "lntbs", "lntb", "lnsb"})
		if (decoded.prefix.starts_with(network)) {
			std::string_view amount = std::string_view(decoded.prefix).substr(network.size());
			return amount.empty() ? Bolt11Amount{} : parse_amount(amount);
		}
	return {"no_invoice"};
}

} // namespace nostr
