/*
 * What pg_cron's own reader makes of a schedule, and the minutes in which pg_cron runs it. Loaded by
 * the test beside pg_cron.so, whose reader it calls.
 *
 * The struct below is pg_cron 1.4's entry as Debian 12 has it: a change of it shows in the known
 * schedules that the test begins with.
 */
#include "postgres.h"

#include <sys/types.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "pgtime.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_MODULE_MAGIC;

typedef struct Entry
{
	void	   *next;
	uid_t		uid;
	gid_t		gid;
	char	  **environment;
	char	   *command;
	uint8		minute[8];		/* from 0 */
	uint8		hour[3];		/* from 0 */
	uint8		day[4];			/* from 1 */
	uint8		month[2];		/* from 1 */
	uint8		weekday[1];		/* from Sunday to the Sunday after */
	int			flags;
} Entry;

/* flags: is there a * at the beginning of the field? */
#define DAY_STAR 1
#define WEEKDAY_STAR 2

/* What a clock shows in a minute; values as the bits of Entry count them. */
typedef struct Local
{
	uint8		minute;
	uint8		hour;
	uint8		day;
	uint8		month;
	uint8		weekday;
} Local;

static Entry *
read_schedule(text *schedule)
{
	static Entry *(*reader) (char *) = NULL;

	if (reader == NULL)
		reader = load_external_function("$libdir/pg_cron", "parse_cron_entry", true, NULL);
	return reader(text_to_cstring(schedule));
}

static bool
has(const uint8 *set, int bit)
{
	return (set[bit / 8] >> (bit % 8)) & 1;
}

static Datum
as_number(const uint8 *set, int bytes, int low)
{
	uint64		number = 0;

	for (int i = 0; i < bytes; i++)
		number |= (uint64) set[i] << (8 * i);
	return Int64GetDatum((int64) (number << low));
}

/*
 * entry(schedule text) returns bigint[]: minutes, hours, days, months, weekdays (bit n is the value n)
 * and flags; null when pg_cron refuses the text.
 */
PG_FUNCTION_INFO_V1(entry);
Datum
entry(PG_FUNCTION_ARGS)
{
	Entry	   *found = read_schedule(PG_GETARG_TEXT_PP(0));
	Datum		values[6];

	if (found == NULL)
		PG_RETURN_NULL();
	values[0] = as_number(found->minute, sizeof(found->minute), 0);
	values[1] = as_number(found->hour, sizeof(found->hour), 0);
	values[2] = as_number(found->day, sizeof(found->day), 1);
	values[3] = as_number(found->month, sizeof(found->month), 1);
	values[4] = as_number(found->weekday, sizeof(found->weekday), 0);
	values[5] = Int64GetDatum(found->flags);
	free(found);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, 6, INT8OID, sizeof(int64), true, TYPALIGN_DOUBLE));
}

/*
 * pg_cron's rule. Minute, hour and month must be among those of the schedule, and the day: by both of
 * its fields when one of them begins with a *, otherwise by either.
 */
static bool
runs_at(const Entry *schedule, const Local *at)
{
	bool		by_day = has(schedule->day, at->day);
	bool		by_weekday = has(schedule->weekday, at->weekday);

	if (!has(schedule->minute, at->minute) || !has(schedule->hour, at->hour) || !has(schedule->month, at->month))
		return false;
	if (schedule->flags & (DAY_STAR | WEEKDAY_STAR))
		return by_day && by_weekday;
	return by_day || by_weekday;
}

/* Kept for the next call: most calls are about the same minutes of the same zone. */
static const Local *
local_times(const char *zone_name, int64 first, int32 count)
{
	static char *last_zone = NULL;
	static int64 last_first;
	static int32 last_count;
	static Local *times = NULL;
	pg_tz	   *zone;

	if (times != NULL && first == last_first && count == last_count && strcmp(zone_name, last_zone) == 0)
		return times;
	zone = pg_tzset(zone_name);
	if (zone == NULL)
		elog(ERROR, "there is no time zone %s", zone_name);
	if (times != NULL)
	{
		pfree(times);
		times = NULL;
		pfree(last_zone);
	}
	last_zone = MemoryContextStrdup(TopMemoryContext, zone_name);
	last_first = first;
	last_count = count;
	times = MemoryContextAlloc(TopMemoryContext, count * sizeof(Local));
	for (int32 i = 0; i < count; i++)
	{
		pg_time_t	moment = (first + i) * 60;
		struct pg_tm *shown = pg_localtime(&moment, zone);

		times[i].minute = shown->tm_min;
		times[i].hour = shown->tm_hour;
		times[i].day = shown->tm_mday - 1;
		times[i].month = shown->tm_mon;
		times[i].weekday = shown->tm_wday;
	}
	return times;
}

/*
 * runs(schedule text, zone text, first bigint, count integer) returns bytea: bit n of the bytes says
 * whether the schedule runs in the minute «first» + n since 1970 (UTC), by the clocks of the zone; null when pg_cron
 * refuses the text.
 */
PG_FUNCTION_INFO_V1(runs);
Datum
runs(PG_FUNCTION_ARGS)
{
	Entry	   *schedule = read_schedule(PG_GETARG_TEXT_PP(0));
	int32		count = PG_GETARG_INT32(3);
	const Local *times;
	bytea	   *out;

	if (schedule == NULL)
		PG_RETURN_NULL();
	times = local_times(text_to_cstring(PG_GETARG_TEXT_PP(1)), PG_GETARG_INT64(2), count);
	out = palloc0(VARHDRSZ + (count + 7) / 8);
	SET_VARSIZE(out, VARHDRSZ + (count + 7) / 8);
	for (int32 i = 0; i < count; i++)
	{
		if (runs_at(schedule, &times[i]))
			VARDATA(out)[i / 8] |= 1 << (i % 8);
	}
	free(schedule);
	PG_RETURN_BYTEA_P(out);
}
