/* How many connections go to each place: one host with many URLs gets so many and no more. A place
 * is an address, or a host of an overlay network, since all of these share the address of a proxy.
 */
#pragma once

#include <string>
#include <unordered_map>

namespace net {

class Places
{
  public:
	/* False: there are `most` already. 0: there is no limit. */
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

/* The place that one connection has, until it is left. */
class Place
{
  public:
	explicit Place(Places &places) : places_(places) {}
	~Place() { leave(); }
	Place(const Place &) = delete;

	/* Leaves the one before. False: there are `most` connections to the new one already. */
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
	/* As ConnectFacts name it; empty: none. */
	const std::string &name() const { return name_; }

  private:
	Places &places_;
	std::string name_;
};

} // namespace net
