/* Counts the connections to each place, to limit the connections to a host that serves many URLs. A
 * place is an IPv4 address, a /64 network of IPv6, or a host of an overlay network, because all of
 * these have the proxy's address. */
#pragma once

#include <string>
#include <unordered_map>

namespace net {

class Places
{
  public:
	/* False: `address` has `most` connections already. `most` 0 means no limit. */
	bool take(const std::string &address, int most)
	{
		int &taken = taken_[address];
		if (most > 0 && taken >= most)
			return false;
		taken++;
		return true;
	}
	void give_back(const std::string &address)
	{
		auto found = taken_.find(address);
		if (found != taken_.end() && --found->second == 0)
			taken_.erase(found);
	}

  private:
	std::unordered_map<std::string, int> taken_;
};

/* The place that one connection occupies until leave() or destruction. */
class Place
{
  public:
	explicit Place(Places &places) : places_(places) {}
	~Place() { leave(); }
	Place(const Place &) = delete;

	/* Leaves the old place and takes a new one. False: the new place has `most` connections
	 * already. */
	bool take(const std::string &name, int most)
	{
		leave();
		if (!places_.take(name, most))
			return false;
		name_ = name;
		return true;
	}
	void leave()
	{
		if (!name_.empty())
			places_.give_back(name_);
		name_.clear();
	}
	/* The name that ConnectFacts gives the place; empty if no place is taken. */
	const std::string &name() const { return name_; }

  private:
	Places &places_;
	std::string name_;
};

} // namespace net
