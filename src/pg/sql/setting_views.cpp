/* The declarations of the settings, for view bigbrotr.settings; pg_settings does not have them. */
#include "pg/cycle/settings.h"

extern "C" {
#include "utils/builtins.h"
}

using namespace pg;

SQL_FUNCTION(bigbrotr_setting_declarations)
{
	compat::begin_rows(fcinfo);
	ReturnSetInfo *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	settings::for_each_part([&](const settings::Part &part) {
		for (const Setting &setting : part.settings) {
			const char *texts[] = {psprintf("bigbrotr.%s", setting.name), part.name,
								   setting.boot_value, setting.bounds.min_value,
								   setting.bounds.max_value};
			Datum values[lengthof(texts)] = {};
			bool nulls[lengthof(texts)] = {};
			for (size_t i = 0; i < lengthof(texts); i++)
				if (texts[i])
					values[i] = CStringGetTextDatum(texts[i]);
				else
					nulls[i] = true;
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	});
	return Datum(0);
}
