/* The routes of the API, as the view _bigbrotr.api_calls describes them. */
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pg/work/worker.h"
#include "wire/serve.h"

class RouteBook
{
  public:
	/* Reads the view. Throws pg::Error. */
	void read(pg::Worker &worker);

	/* The message wire::Routes, encoded. */
	const std::string &frame() const { return frame_; }

	struct Route
	{
		std::string statement;
		size_t parameters = 0;
		bool notes = false; // the worker calls the function itself, because it writes
		bool first = false; // does not wait for other calls: live subscriptions would end
	};
	/* Null if there is no such route. */
	const Route *find(uint16_t number) const
	{
		auto found = routes_.find(number);
		return found == routes_.end() ? nullptr : &found->second;
	}

  private:
	std::map<uint16_t, Route> routes_;
	std::string frame_;
};
