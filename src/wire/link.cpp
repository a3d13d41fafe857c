#include "link.h"

namespace wire {

std::string_view
build_id()
{
	return BIGBROTR_BUILD;
}

} // namespace wire
