#!/bin/bash
# up.sh: a real Slurm (Debian 12: 22.05.8) on one host, several virtual nodes, fake GPUs. Idempotent; no root needed.
#   ACCT=1|0 (slurmdbd+mariadb or not)  NODES=2  CPUS=8 GPUS=2 MEM=8000 (MB), per node  NAME=lab, the cluster's
#   JOINS=<LAB of another that is up, and DBD_PORT, its slurmdbd's>: a second cluster of the same accounting
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
export LAB=${LAB:?name a directory for this cluster} NODES=${NODES:-2}
ACCT=${ACCT:-1}; CPUS=${CPUS:-8}; GPUS=${GPUS:-2}; MEM=${MEM:-64000}; P=${PORT_BASE:-16800}; ME=$(id -un)
NAME=${NAME:-lab}; HOST=${JOINS:-$LAB}; DBD_PORT=${DBD_PORT:-$((P+19))}   # HOST: whose munge and slurmdbd are used
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
unset ${!SLURM_@} ${!SBATCH_@} ${!SRUN_@} 2>/dev/null || true
export SLURM_CONF=$LAB/etc/slurm.conf
t0=$(date +%s%N); umask 022
mkdir -p "$LAB"/{etc,run,log,state,spool,dev,bin}
exec 9>"$LAB/run/lock"; flock 9              # daemons below get 9>&-, or they would keep the lock

alive() { # alive NAME PIDFILE: a live process of that name, started for this LAB
  local p; p=$(cat "$2" 2>/dev/null) && [ -n "$p" ] || return 1
  { [ "$(cat /proc/$p/comm)" = "$1" ] && tr '\0' '\n' </proc/$p/environ | grep -qxF "SLURM_CONF=$SLURM_CONF"; } 2>/dev/null; }
wait_for() { # wait_for SECONDS WHAT CMD...
  local end=$(( $(date +%s) + $1 )) what=$2; shift 2
  until timeout 3 "$@" >/dev/null 2>&1; do [ "$(date +%s)" -lt $end ] || { echo "up.sh: timeout: $what (see $LAB/log)" >&2; exit 1; }; sleep 0.1; done; }
put() { # put FILE MODE <stdin, written only when changed
  local t; t=$(mktemp "$1.XXXX"); cat >"$t"; chmod "$2" "$t"
  if cmp -s "$t" "$1"; then rm -f "$t"; else mv -f "$t" "$1"; CHANGED=1; fi; }

# ---- configuration
CHANGED=0
for ((g=0; g<GPUS; g++)); do ln -sfn /dev/null "$LAB/dev/nvidia$g"; done
[ -s "$HOST/etc/munge.key" ] || { (umask 077; head -c 128 /dev/urandom >"$HOST/etc/munge.key"); }
ACC="AccountingStorageType=accounting_storage/none"
[ "$ACCT" != 1 ] || ACC="AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$DBD_PORT
AccountingStoragePass=$HOST/run/munge.sock
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment"
put "$LAB/etc/slurm.conf" 644 <<E
ClusterName=$NAME
SlurmctldHost=localhost(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
AuthInfo=socket=$HOST/run/munge.sock,cred_expire=5
SlurmUser=$ME
SlurmdUser=$ME
SlurmctldPort=$((P+17))
StateSaveLocation=$LAB/state
SlurmdSpoolDir=$LAB/spool/%n
SlurmctldPidFile=$LAB/run/slurmctld.pid
SlurmdPidFile=$LAB/run/slurmd-%n.pid
SlurmctldLogFile=$LAB/log/slurmctld.log
SlurmdLogFile=$LAB/log/slurmd-%n.log
MailProg=/bin/true
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
SlurmdParameters=config_overrides
ReturnToService=1
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2,bf_min_age_reserve=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
JobRequeue=1
MinJobAge=300
MaxArraySize=1001
KillWait=3
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
$ACC
NodeName=node[1-$NODES] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[$((P+101))-$((P+100+NODES))] CPUs=$CPUS RealMemory=$MEM Gres=gpu:$GPUS State=UNKNOWN
PartitionName=gpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
PartitionName=low Nodes=ALL Default=NO  MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=5
E
put "$LAB/etc/gres.conf" 644 <<E
AutoDetect=off
NodeName=node[1-$NODES] Name=gpu File=$LAB/dev/nvidia[0-$((GPUS-1))]
E
put "$LAB/etc/cgroup.conf" 644 <<E
ConstrainCores=no
ConstrainRAMSpace=no
ConstrainDevices=no
E
[ "$ACCT" != 1 ] || [ "$HOST" != "$LAB" ] || put "$LAB/etc/slurmdbd.conf" 600 <<E
AuthType=auth/munge
AuthInfo=socket=$LAB/run/munge.sock
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$((P+19))
SlurmUser=$ME
LogFile=$LAB/log/slurmdbd.log
PidFile=$LAB/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$((P+20))
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
CommunicationParameters=NoInAddrAny
E
echo "export SLURM_CONF=$SLURM_CONF PATH=$LAB/bin:\$PATH" >"$LAB/env.sh"
# srun shim: snakemake's slurm-jobstep strips every SLURM_* variable, SLURM_CONF too, before it calls srun
printf '#!/bin/sh\nSLURM_CONF=%s exec /usr/bin/srun "$@"\n' "$SLURM_CONF" >"$LAB/bin/srun"; chmod 755 "$LAB/bin/srun"
if [ $CHANGED = 1 ] && alive slurmctld "$LAB/run/slurmctld.pid"; then "$HERE/down.sh" >&2 9>&-; fi

# ---- munged
[ "$HOST" != "$LAB" ] || alive munged "$LAB/run/munged.pid" || { rm -f "$LAB"/run/munge.sock*
  munged --socket="$LAB/run/munge.sock" --key-file="$LAB/etc/munge.key" --pid-file="$LAB/run/munged.pid" \
         --log-file="$LAB/log/munged.log" --seed-file="$LAB/run/munge.seed" 9>&-; }
wait_for 5 munged sh -c "munge -S $HOST/run/munge.sock -n | unmunge -S $HOST/run/munge.sock"

# ---- mariadb + slurmdbd
if [ "$ACCT" = 1 ] && [ "$HOST" = "$LAB" ]; then
  sql="mariadb --no-defaults -u root -S $LAB/run/mysql.sock"
  if ! alive mariadbd "$LAB/run/mariadb.pid"; then
    [ -e "$LAB/mysql/.ok" ] || { rm -rf "$LAB/mysql"; mariadb-install-db --no-defaults --user="$ME" --datadir="$LAB/mysql" \
        --auth-root-authentication-method=normal --skip-test-db >"$LAB/log/mariadb-install.log" 2>&1 9>&-; touch "$LAB/mysql/.ok"; }
    setsid mariadbd --no-defaults --user="$ME" --datadir="$LAB/mysql" --socket="$LAB/run/mysql.sock" --pid-file="$LAB/run/mariadb.pid" \
        --bind-address=127.0.0.1 --port=$((P+20)) --innodb-buffer-pool-size=64M --innodb-flush-log-at-trx-commit=0 \
        --innodb-lock-wait-timeout=900 --skip-log-bin >"$LAB/log/mariadb.log" 2>&1 </dev/null 9>&- &
  fi
  wait_for 20 mariadb $sql -e "select 1"
  $sql -e "create database if not exists slurm_acct_db; create user if not exists slurm@localhost identified by 'slurm';
    create user if not exists slurm@127.0.0.1 identified by 'slurm';
    grant all on slurm_acct_db.* to slurm@localhost; grant all on slurm_acct_db.* to slurm@127.0.0.1"
  alive slurmdbd "$LAB/run/slurmdbd.pid" || slurmdbd 9>&-
  wait_for 20 slurmdbd sacctmgr -n show cluster
fi
[ "$ACCT" != 1 ] || sacctmgr -n show cluster "$NAME" format=cluster | grep -q "$NAME" || sacctmgr -i -Q add cluster "$NAME" >/dev/null

# ---- slurmctld + slurmd
alive slurmctld "$LAB/run/slurmctld.pid" || slurmctld 9>&-
wait_for 15 slurmctld sh -c 'scontrol ping | grep -q UP'
for ((i=1; i<=NODES; i++)); do mkdir -p "$LAB/spool/node$i"
  alive slurmd "$LAB/run/slurmd-node$i.pid" || slurmd -N node$i 9>&-; done
wait_for 20 "nodes idle" sh -c '[ "$(sinfo -h -p gpu -N -o %T | grep -cE "^(idle|mixed|allocated)$")" = "$NODES" ]'
printf 'OK %s nodes, %s GPUs each, acct=%s, %d ms\n' "$NODES" "$GPUS" "$ACCT" $(( ($(date +%s%N) - t0) / 1000000 ))
