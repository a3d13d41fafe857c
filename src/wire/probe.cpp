#include "probe.h"

namespace wire {
namespace {

struct StepFact
{
	const char *name;
	int nip;
};

/* In the order of Step. */
constexpr StepFact kStepFacts[kSteps] = {
	{"names", 0},   {"connect", 0},   {"tls", 0},        {"upgrade", 0},    {"read", 1},
	{"write", 0},   {"read_back", 0}, {"document", 11},  {"challenge", 42}, {"count", 45},
	{"search", 50}, {"finish", 67},   {"negentropy", 77}};

} // namespace

const char *
step_name(Step step)
{
	return kStepFacts[size_t(step)].name;
}

int
step_nip(Step step)
{
	return kStepFacts[size_t(step)].nip;
}

} // namespace wire
