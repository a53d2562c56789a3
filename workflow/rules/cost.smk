# What inference costs: it depends on the cost point alone, so cells share these files.


# A job for each number of classes would be over as soon as it had started.
rule macs:
    output:
        macs=ensure(
            expand(
                results(address.MACS), classes=SPECS.class_counts(), allow_missing=True
            ),
            non_empty=True,
        ),
    log:
        logs("macs/{backbone}-{setting}-{test_size}.log"),
    benchmark:
        logs("macs/{backbone}-{setting}-{test_size}.tsv")
    wildcard_constraints:
        setting="|".join(STUDY.cost_settings),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scale_with_attempt(FIXED["macs"].megabytes),
        runtime=scale_with_attempt(FIXED["macs"].minutes),
    params:
        spec=spec_of(
            lambda wildcards: SPECS.macs(
                wildcards.backbone, wildcards.setting, int(wildcards.test_size)
            )
        ),
        classes=classes_of,
    shell:
        "python -m fgir macs --spec {params.spec:q} --classes {params.classes} "
        "--out {output.macs:q} > {log:q} 2>&1"


# All cores of a machine go to it, so that no other job there disturbs the clock.
rule timing:
    output:
        timing=ensure(results(address.TIMING), non_empty=True),
    log:
        logs("timing/{backbone}-{setting}-{test_size}-classes{classes}.log"),
    benchmark:
        logs("timing/{backbone}-{setting}-{test_size}-classes{classes}.tsv")
    wildcard_constraints:
        setting="|".join(STUDY.cost_settings),
    conda:
        ENVIRONMENT
    threads: workflow.resource_settings.cores or 1
    resources:
        mem_mb=scale_with_attempt(FIXED["timing"].megabytes),
        runtime=scale_with_attempt(FIXED["timing"].minutes),
        gpu=int(has_gpu()),
    params:
        spec=spec_of(lambda wildcards: SPECS.timing(cost_point_of(wildcards))),
    shell:
        "python -m fgir timing --spec {params.spec:q} --threads {threads} "
        "--out {output.timing:q} > {log:q} 2>&1"


# From the image files to the loss, as published: it depends on the dataset too. The whole machine is its own, likewise.
rule end_to_end:
    input:
        source=results(address.SOURCE),
        split=results(address.SPLIT),
    output:
        timing=ensure(results(address.END_TO_END), non_empty=True),
    log:
        logs("end_to_end/{dataset}-{backbone}-{setting}-{test_size}.log"),
    benchmark:
        logs("end_to_end/{dataset}-{backbone}-{setting}-{test_size}.tsv")
    wildcard_constraints:
        setting="|".join(STUDY.cost_settings),
    conda:
        ENVIRONMENT
    threads: workflow.resource_settings.cores or 1
    resources:
        mem_mb=scale_with_attempt(FIXED["end_to_end"].megabytes),
        runtime=minutes_of("end_to_end"),
        gpu=int(has_gpu()),
    params:
        spec=spec_of(lambda wildcards: SPECS.end_to_end(end_to_end_of(wildcards))),
    shell:
        "python -m fgir end_to_end --spec {params.spec:q} --source {input.source:q} --split {input.split:q} "
        "--threads {threads} --out {output.timing:q} > {log:q} 2>&1"
